package simulator_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"rrwatch/simulator"
)

// tagged returns KEY=VALUE of all tags that describes show of a thing.
func tagged(t *testing.T, c *ec2.Client, id string) []string {
	t.Helper()
	out := must[*ec2.DescribeTagsOutput](t)(c.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: filters("resource-id", id)}))
	var got []string
	for _, d := range out.Tags {
		got = append(got, string(d.ResourceType)+" "+*d.Key+"="+*d.Value)
	}
	return got
}

func TestTagsArePutOnAndTakenOff(t *testing.T) {
	a := account(simulator.Options{})
	c := ec2.NewFromConfig(sdk(a))
	all := []string{first, "eni-0a000000000000001", allocation}
	must[*ec2.CreateTagsOutput](t)(c.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: all, Tags: []ec2types.Tag{
		{Key: aws.String("site"), Value: aws.String("shop")}, {Key: aws.String("Name"), Value: aws.String("new")}, {Key: aws.String("mark"), Value: aws.String("")},
	}}))
	for id, want := range map[string][]string{
		first:                   {"instance Name=new", "instance mark=", "instance pool=www", "instance site=shop"},
		"eni-0a000000000000001": {"network-interface Name=new", "network-interface mark=", "network-interface site=shop"},
		allocation:              {"elastic-ip Name=new", "elastic-ip mark=", "elastic-ip site=shop"},
	} {
		if diff := cmp.Diff(want, tagged(t, c, id)); diff != "" {
			t.Error(diff)
		}
	}
	if a.Instances()[0].Name != "new" {
		t.Error("the tag Name is not the instance's name")
	}
	must[*ec2.DeleteTagsOutput](t)(c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: all[:1], Tags: []ec2types.Tag{
		{Key: aws.String("site")}, {Key: aws.String("pool"), Value: aws.String("other")}, {Key: aws.String("mark"), Value: aws.String("")},
	}}))
	if diff := cmp.Diff([]string{"instance Name=new", "instance pool=www"}, tagged(t, c, first)); diff != "" {
		t.Error(diff)
	}
	must[*ec2.DeleteTagsOutput](t)(c.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: all}))
	out := must[*ec2.DescribeTagsOutput](t)(c.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: filters("resource-type", "elastic-ip", "network-interface")}))
	if len(out.Tags) != 0 {
		t.Errorf("left are %+v", out.Tags)
	}
}

func TestRefusesTagsThatAWSRefuses(t *testing.T) {
	full := func() []ec2types.Tag {
		var out []ec2types.Tag
		for n := range 51 {
			out = append(out, ec2types.Tag{Key: aws.String("k" + strconv.Itoa(n)), Value: aws.String("v")})
		}
		return out
	}()
	tag := func(key, value string) []ec2types.Tag {
		return []ec2types.Tag{{Key: aws.String(key), Value: aws.String(value)}}
	}
	for name, tt := range map[string]struct {
		id   string
		tags []ec2types.Tag
		code string
	}{
		"no tags":             {first, []ec2types.Tag{}, "InvalidParameterValue"},
		"a reserved key":      {first, tag("aws:cloud", "x"), "InvalidParameterValue"},
		"a long key":          {first, tag(strings.Repeat("k", 128), "x"), "InvalidParameterValue"},
		"a long value":        {first, tag("k", strings.Repeat("v", 256)), "InvalidParameterValue"},
		"one key twice":       {first, append(tag("k", "1"), tag("k", "2")...), "InvalidParameterValue"},
		"51 tags":             {first, full, "TagLimitExceeded"},
		"50 more tags":        {first, full[:50], "TagLimitExceeded"},
		"an unknown instance": {"i-0123", tag("k", "v"), "InvalidInstanceID.NotFound"},
		"an unknown address":  {"eipalloc-0123", tag("k", "v"), "InvalidAllocationID.NotFound"},
		"an association":      {"eipassoc-0123", tag("k", "v"), "InvalidID"},
	} {
		t.Run(name, func(t *testing.T) {
			a := account(simulator.Options{})
			_, err := ec2.NewFromConfig(sdk(a)).CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{second, tt.id}, Tags: tt.tags})
			wantCode(t, err, tt.code)
			if diff := cmp.Diff(map[string]string{"Name": "lb-2", "pool": "www"}, a.Instances()[1].Tags); diff != "" {
				t.Errorf("what was refused left tags:\n%s", diff)
			}
		})
	}
}

func TestPagesThroughTags(t *testing.T) {
	c := ec2.NewFromConfig(sdk(account(simulator.Options{})))
	var sizes []int
	pages := ec2.NewDescribeTagsPaginator(c, &ec2.DescribeTagsInput{MaxResults: aws.Int32(5)})
	for pages.HasMorePages() {
		sizes = append(sizes, len(must[*ec2.DescribeTagsOutput](t)(pages.NextPage(t.Context())).Tags))
	}
	if diff := cmp.Diff([]int{5, 3}, sizes); diff != "" { // four names, three pools, one site
		t.Error(diff)
	}
	out := must[*ec2.DescribeTagsOutput](t)(c.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: append(filters("key", "pool"), filters("value", "w*")...)}))
	if len(out.Tags) != 3 {
		t.Errorf("got %d tags", len(out.Tags))
	}
	out = must[*ec2.DescribeTagsOutput](t)(c.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: filters("tag:Name", "lb-1")}))
	if len(out.Tags) != 1 || *out.Tags[0].ResourceId != first {
		t.Errorf("got %+v", out.Tags)
	}
}

func TestPlacesAreDescribed(t *testing.T) {
	a := simulator.New(simulator.Options{Region: "us-west-2", Zones: []string{"us-west-2a", "us-west-2-lax-1a", "us-west-2-wl1-las-wlz-1"}})
	config := sdk(a)
	config.Region = "us-west-2"
	c := ec2.NewFromConfig(config)
	var got []string
	for _, z := range must[*ec2.DescribeAvailabilityZonesOutput](t)(c.DescribeAvailabilityZones(t.Context(), nil)).AvailabilityZones {
		got = append(got, *z.ZoneName+" "+*z.ZoneType+" "+*z.NetworkBorderGroup)
	}
	want := []string{
		"us-west-2a availability-zone us-west-2", "us-west-2-lax-1a local-zone us-west-2-lax-1",
		"us-west-2-wl1-las-wlz-1 wavelength-zone us-west-2-wl1-las-wlz-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	regions := must[*ec2.DescribeRegionsOutput](t)(c.DescribeRegions(t.Context(), nil)).Regions
	if len(regions) != 1 || *regions[0].RegionName != "us-west-2" {
		t.Errorf("got %+v", regions)
	}
	_, err := c.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{RegionNames: []string{"moon-1"}})
	wantCode(t, err, "InvalidParameterValue")
	_, err = c.DescribeAvailabilityZones(t.Context(), &ec2.DescribeAvailabilityZonesInput{ZoneNames: []string{"us-west-2z"}})
	wantCode(t, err, "InvalidParameterValue")
	subnets := must[*ec2.DescribeSubnetsOutput](t)(c.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: filters("availability-zone", "*-lax-1a")}))
	if len(subnets.Subnets) != 1 || *subnets.Subnets[0].CidrBlock != "172.31.16.0/20" {
		t.Errorf("got %+v", subnets.Subnets)
	}
}
