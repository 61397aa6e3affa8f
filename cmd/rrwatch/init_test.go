package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rrwatch/config"
	"rrwatch/failover"
	"rrwatch/simulator"
)

// inWorld points the AWS SDK of this process at a world.
func inWorld(t *testing.T, w *world) {
	t.Helper()
	for key, value := range map[string]string{
		"AWS_ENDPOINT_URL": w.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"HOME": t.TempDir(), "AWS_REGION": "", "AWS_PROFILE": "",
	} {
		t.Setenv(key, value)
	}
}

// scouting looks around in a world, whose site answers on a port of its own.
func scouting(w *world) *scout {
	port := uint16(w.site.Port())
	return &scout{name: "WWW.Example.com.", at: config.AWS{Region: "eu-central-1"}, ports: [2]uint16{port, port}}
}

func TestInitWritesWhatTheAccountHas(t *testing.T) {
	w, _ := newTestWorld(t)
	inWorld(t, w)
	text, err := scouting(w).around(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"mode: observe", "3 × weighted A with a TTL of 10 s", "127.113.0.11 (eipalloc-0demo1) on lb-1 (i-0a1b2c01) in eu-central-1a",
		"lb-4 (i-0a1b2c04) in eu-central-1a, running; it carries none of them: a standby, if it is healthy", "http on port", "3 of 3 pass", "0 of 3 pass",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	cfg, err := config.Parse("rrwatch.yaml", text, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Pools[0]
	if p.Mode != config.ModeObserve || p.Name != "www" || p.Record != "www.example.com" || p.ZoneName != "example.com" ||
		p.Instances.Tags["rrwatch"] != "www" || len(p.Instances.IDs) > 0 || p.Checks[0].Kind != config.KindHTTP || int(p.Checks[0].Port) != w.site.Port() {
		t.Errorf("got %+v of\n%s", p, text)
	}
}

func TestWhatInitWritesContentsCheck(t *testing.T) {
	w, _ := newTestWorld(t)
	file := filepath.Join(t.TempDir(), "first.yaml")
	run := func(args ...string) answer {
		c := program(t.Context(), t, args...)
		c.Env = append(c.Env, "AWS_ENDPOINT_URL="+w.url)
		return ended(t, c)
	}
	if a := run("init", "--name", "www.example.com", "--region", "eu-central-1", "--output", file); a.code != 0 || a.out != "" || !strings.Contains(a.err, "rrwatch check --config "+file) {
		t.Fatalf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	if a := run("check", "--config", file); a.code != 0 || strings.Contains(a.out, "FAIL") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a := run("init", "--name", "www.example.com", "--region", "eu-central-1", "--output", file)
	after, err := os.ReadFile(file)
	if a.code != 1 || !strings.Contains(a.err, "exists, and is not overwritten") || err != nil || string(after) != string(before) {
		t.Errorf("exit %d, %v\n%s%s", a.code, err, a.out, a.err)
	}
	if calls := w.aws.Calls(); calls["AssociateAddress"]+calls["ChangeResourceRecordSets"] == 0 {
		t.Error("the check tried nothing") // else the next line proves nothing
	}
	if got := w.aws.Records("www.example.com", "A"); len(got) != 3 || w.aws.Addresses()[0].Instance != "i-0a1b2c01" {
		t.Errorf("the world was changed: %+v", got)
	}
}

func TestInitSaysWhatIsInItsWay(t *testing.T) {
	w, _ := newTestWorld(t)
	inWorld(t, w)
	const zone = "Z0DEMO0EXAMPLE0COM00"
	w.aws.SetRecord(zone, simulator.RecordSet{Name: "alias.example.com", Type: "A", Alias: "lb.eu-central-1.elb.amazonaws.com", AliasZone: "Z215JYRZR1TBD5"})
	w.aws.SetRecord(zone, simulator.RecordSet{Name: "cname.example.com", Type: "CNAME", TTL: 60, Values: []string{"www.example.com"}})
	w.aws.SetRecord(zone, simulator.RecordSet{Name: "far.example.com", Type: "A", TTL: 60, Values: []string{"198.51.100.7"}})
	for name, c := range map[string]struct {
		change func(*scout)
		want   string
	}{
		"a name in no zone":     {func(s *scout) { s.name = "www.example.org" }, "no hosted zone of this account holds www.example.org (looked for www.example.org, example.org)"},
		"a name without record": {func(s *scout) { s.name = "no.example.com" }, "zone example.com has no A or AAAA record no.example.com"},
		"a CNAME":               {func(s *scout) { s.name = "cname.example.com" }, "CNAME"},
		"an alias":              {func(s *scout) { s.name = "alias.example.com" }, "publishes no address that rrwatch could look after: A is an alias of lb.eu-central-1.elb.amazonaws.com"},
		"no Elastic IP":         {func(s *scout) { s.name = "far.example.com" }, "publishes 198.51.100.7, and none of them is an Elastic IP of this account in eu-central-1"},
		"a wrong zone":          {func(s *scout) { s.zone = "example.org" }, "there is no hosted zone example.org"},
		"no Region":             {func(s *scout) { s.at.Region = "" }, "--region eu-central-1"},
		"no name":               {func(s *scout) { s.name = "" }, "--name www.example.com"},
		"a URL":                 {func(s *scout) { s.name = "https://www.example.com/" }, `"https://www.example.com/" is no published DNS name`},
		"a wildcard":            {func(s *scout) { s.name = "*.example.com" }, "is no published DNS name"},
		"a profile of nobody":   {func(s *scout) { s.at.Profile = "nobody" }, "nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			s := scouting(w)
			c.change(s)
			if _, err := s.around(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// found is what a scout may bring home.
func found(instances ...failover.Instance) *scout {
	ip := netip.MustParseAddr("192.0.2.1")
	return &scout{
		name: "www.example.com", zone: "example.com", at: config.AWS{Region: "eu-central-1"},
		published: failover.Published{ZoneID: "Z0", Sets: []failover.RecordSet{{Name: "www.example.com", Type: "A", TTL: 60, Values: []string{ip.String()}}}},
		addresses: []failover.Address{{IP: ip, Allocation: "eipalloc-1", Instance: "i-0a1b2c01"}}, carriers: instances, family: instances,
		tags: sharedTags(instances), tried: []attempted{{kind: config.KindHTTPS, port: 443, usual: true, said: "192.0.2.1: refused"}},
	}
}

func instance(id string, tags map[string]string) failover.Instance {
	return failover.Instance{ID: id, Zone: "eu-central-1a", State: "running", Tags: tags}
}

func TestInitTakesTheTagsThatAllCarriersHave(t *testing.T) {
	odd := map[string]string{"a: \"b\"": "c $d ${HOME}\n# e", "Name": "same", "aws:autoscaling:groupName": "g", "only": "one"}
	other := map[string]string{"a: \"b\"": "c $d ${HOME}\n# e", "Name": "same", "aws:autoscaling:groupName": "g", "only": "other"}
	cfg, err := config.Parse("x", found(instance("i-0a1b2c01", odd), instance("i-0a1b2c02", other)).yaml(), os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Pools[0].Instances.Tags; len(got) != 1 || got["a: \"b\""] != "c $d ${HOME}\n# e" {
		t.Errorf("got %q", got)
	}
}

func TestInitNamesTheCarriersWhenNoTagsSayWhoIsMeant(t *testing.T) {
	s := found(instance("i-0a1b2c01", map[string]string{"a": "b"}), instance("i-0a1b2c02", nil))
	for _, tooMany := range []int{0, 500} {
		s.tooMany = tooMany
		text := s.yaml()
		cfg, err := config.Parse("x", text, os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		if got := cfg.Pools[0].Instances; !slices.Equal(got.IDs, []string{"i-0a1b2c01", "i-0a1b2c02"}) || (tooMany > 0) != strings.Contains(string(text), "500 instances have them") {
			t.Errorf("got %+v of\n%s", got, text)
		}
	}
	if cfg, err := config.Parse("x", found().yaml(), os.LookupEnv); err != nil || cfg.Pools[0].Instances.Tags["rrwatch"] != "www" {
		t.Errorf("without carriers: %v", err)
	}
}

func TestNamesOfInstancesStayInTheirComments(t *testing.T) {
	i := instance("i-0a1b2c01", map[string]string{"role": "lb"})
	many := found(slices.Repeat([]failover.Instance{i}, 25)...)
	if text := string(many.yaml()); strings.Count(text, "i-0a1b2c01 in") > 21 || !strings.Contains(text, "#   and 5 more\n") {
		t.Errorf("a long list:\n%s", text)
	}
	i.Name = "lb\nmode: act\u2028mode: act\r"
	cfg, err := config.Parse("x", found(i).yaml(), os.LookupEnv)
	if err != nil || cfg.Mode != config.ModeObserve {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func TestAPoolIsCalledAfterItsName(t *testing.T) {
	for name, want := range map[string]string{
		"www.example.com": "www", "_x_.example.com": "x", "all.example.com": "poolall", "_.example.com": "pool", "example.com": "example",
	} {
		if got := poolNameOf(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// A file that comes up while the account is looked at is not overwritten either.
func TestAFileThatExistsIsNeverOverwritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rrwatch.yaml")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if mayWrite(file) == nil || writeNew(nil, file, []byte("yours")) == nil {
		t.Error("it may be overwritten")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("it has %q, %v", text, err)
	}
}
