package simulator

import (
	"encoding/xml"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The protocol of EC2, from its service description.
const (
	ec2Version = "2016-11-15"
	ec2Xmlns   = "http://ec2.amazonaws.com/doc/2016-11-15/"
)

// operation is one action of EC2 and the parameters that it takes.
type operation struct {
	do     func(call) (any, error)
	params []string
}

func (a *AWS) ec2Operations() map[string]operation {
	return map[string]operation{
		"DescribeAddresses":      {a.describeAddresses, []string{"Filter", "AllocationId", "PublicIp"}},
		"DescribeInstances":      {a.describeInstances, []string{"Filter", "InstanceId", "MaxResults", "NextToken"}},
		"DescribeInstanceStatus": {a.describeInstanceStatus, []string{"Filter", "InstanceId", "IncludeAllInstances", "MaxResults", "NextToken"}},
		"AssociateAddress": {a.associateAddress, []string{"AllocationId", "PublicIp", "InstanceId", "NetworkInterfaceId",
			"PrivateIpAddress", "AllowReassociation"}},
		"DisassociateAddress": {a.disassociateAddress, []string{"AssociationId", "PublicIp"}},
		"StopInstances":       {a.stopInstances, []string{"InstanceId", "Force", "Hibernate"}},
		"StartInstances":      {a.startInstances, []string{"InstanceId"}},
	}
}

// doEC2 refuses parameters that the action does not take, answers a dry run, or performs the action.
func (a *AWS) doEC2(c call) (any, error) {
	op := a.ec2Operations()[c.action]
	common := []string{"Action", "Version", "DryRun"}
	for key := range c.form {
		name, _, _ := strings.Cut(key, ".")
		if !slices.Contains(common, name) && !slices.Contains(op.params, name) {
			return nil, refuse("UnknownParameter", "The parameter %s is not recognized", key)
		}
	}
	dry, err := flag(c, "DryRun", false)
	if err != nil {
		return nil, err
	}
	if dry {
		return nil, &refusal{http.StatusPreconditionFailed, "DryRunOperation",
			"Request would have succeeded, but DryRun flag is set."}
	}
	return op.do(c)
}

// flag reads a parameter that is true or false.
func flag(c call, name string, otherwise bool) (bool, error) {
	v := c.form.Get(name)
	if v == "" {
		return otherwise, nil
	}
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, refuse("InvalidParameterValue", "Invalid value '%s' for %s. Value must be true or false.", v, name)
	}
	return b, nil
}

// list reads a parameter that is a list: Name.1, Name.2…
func list(c call, name string) []string {
	var out []string
	for n := 1; ; n++ {
		key := name + "." + strconv.Itoa(n)
		if !c.form.Has(key) {
			return out
		}
		out = append(out, c.form.Get(key))
	}
}

// answeredOnly is the answer of an action that returns nothing but that it was done.
type answeredOnly struct {
	XMLName   xml.Name
	RequestID string `xml:"requestId"`
	Return    bool   `xml:"return"`
}

type tagXML struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func tagsXML(tags map[string]string) []tagXML {
	var out []tagXML
	for k, v := range tags {
		out = append(out, tagXML{k, v})
	}
	slices.SortFunc(out, func(a, b tagXML) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// text writes an address, or nothing for the zero one.
func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// page cuts one page out of a list, as MaxResults and NextToken ask. The token is the position, which is enough here: a
// client must not look into it.
func page[T any](c call, all []T) (items []T, next string, err error) {
	start, size := 0, len(all)
	if v := c.form.Get("MaxResults"); v != "" {
		size, err = strconv.Atoi(v)
		// 5 to 1000, from the API reference of DescribeInstances.
		if err != nil || size < 5 || size > 1000 {
			return nil, "", refuse("InvalidParameterValue", "Value ( %s ) for parameter maxResults is invalid. "+
				"Expecting a value between 5 and 1000.", v)
		}
		if c.form.Has("InstanceId.1") {
			return nil, "", refuse("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
		}
	}
	if v := c.form.Get("NextToken"); v != "" {
		digits, ok := strings.CutPrefix(v, "from-")
		start, err = strconv.Atoi(digits)
		if !ok || err != nil || start < 0 || start > len(all) {
			return nil, "", refuse("InvalidParameterValue", "Unable to parse pagination token")
		}
	}
	end := min(start+size, len(all))
	if end < len(all) {
		next = "from-" + strconv.Itoa(end)
	}
	return all[start:end], next, nil
}

// described returns the world that describes show now.
func (a *AWS) described() world {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen(time.Now()).clone()
}
