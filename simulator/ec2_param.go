package simulator

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// tokens is what was answered to calls with client tokens.
type tokens struct {
	mu   sync.Mutex
	uses map[string]tokenUse
}

// tokenUse is a call and what was answered to it.
type tokenUse struct {
	form string
	out  any
}

func (t *tokens) recall(token string) (tokenUse, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, ok := t.uses[token]
	return u, ok
}

func (t *tokens) keep(token string, u tokenUse) {
	t.mu.Lock()
	defer t.mu.Unlock()
	set(&t.uses, token, u)
}

func missing(name string) error {
	return refuse("MissingParameter", "The request must contain the parameter %s", name)
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

// number reads a parameter that is a whole number of at least 0.
func number(c call, name string, otherwise int) (int, error) {
	v := c.form.Get(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, refuse("InvalidParameterValue", "Value (%s) for parameter %s is invalid. It must be a whole number.", v, name)
	}
	return n, nil
}

// address reads a parameter that is an IPv4 address; zero if it is not there.
func address(c call, name string) (netip.Addr, error) {
	v := c.form.Get(name)
	if v == "" {
		return netip.Addr{}, nil
	}
	ip, err := netip.ParseAddr(v)
	if err != nil || !ip.Is4() {
		return netip.Addr{}, refuse("InvalidParameterValue", "Value (%s) for parameter %s is invalid. Invalid IPv4 address.", v, name)
	}
	return ip, nil
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

// items reads a parameter that is a list of structures: each as a call whose parameters are its fields.
func items(c call, name string) []call {
	var out []call
	for n := 1; ; n++ {
		prefix := name + "." + strconv.Itoa(n) + "."
		item := c
		item.form = url.Values{}
		for key, values := range c.form {
			if field, ok := strings.CutPrefix(key, prefix); ok {
				item.form[field] = values
			}
		}
		if len(item.form) == 0 {
			return out
		}
		out = append(out, item)
	}
}

// pageSize reads MaxResults: 5 to 1000, from the API reference of DescribeInstances. EC2 says "greater than 5" although 5 is
// taken.
func pageSize(v string) (int, error) {
	size, err := strconv.Atoi(v)
	bound := ""
	switch {
	case err != nil || size < 5:
		bound = "greater than 5"
	case size > 1000:
		bound = "smaller than 1000"
	default:
		return size, nil
	}
	return 0, refuse("InvalidParameterValue", "Value ( %s ) for parameter maxResults is invalid. Expecting a value %s.", v, bound)
}

// page cuts one page out of a list, as MaxResults and NextToken ask. ids names the parameter beside which AWS allows no page.
// The token is the position, which is enough here: a client must not look into it.
func page[T any](c call, ids string, all []T) (shown []T, next string, err error) {
	start, size := 0, len(all)
	if v := c.form.Get("MaxResults"); v != "" {
		if size, err = pageSize(v); err != nil {
			return nil, "", err
		}
		if c.form.Has(ids + ".1") {
			return nil, "", refuse("InvalidParameterCombination", "The parameter %s cannot be used with the parameter maxResults",
				map[string]string{"InstanceId": "instancesSet", "NetworkInterfaceId": "networkInterfaceIdSet", "SubnetId": "subnetSet"}[ids])
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

// kind is a kind of thing that is asked for by identifier, and how EC2 says that there is none. The codes are from the API
// reference, Error codes; where it has none for a malformed identifier, that is one that does not exist.
type kind struct {
	prefix    string
	malformed string // code
	absent    string // code
	says      string
}

// ofInstance and the like are the kinds that exist.
func ofInstance() kind {
	return kind{"i", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist"}
}

func ofInterface() kind {
	return kind{"eni", "InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist"}
}

func ofAllocation() kind {
	return kind{"eipalloc", "", "InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist"}
}

func ofAssociation() kind {
	return kind{"eipassoc", "", "InvalidAssociationID.NotFound", "The association ID '%s' does not exist"}
}

func ofAttachment() kind {
	return kind{"eni-attach", "InvalidNetworkInterfaceAttachmentId.Malformed", "InvalidAttachmentID.NotFound", "The attachment ID '%s' does not exist"}
}

func ofSubnet() kind {
	return kind{"subnet", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist"}
}

// unknown says why nothing has these identifiers.
func (k kind) unknown(ids ...string) error {
	for _, id := range ids {
		if k.malformed != "" && !regexp.MustCompile("^"+k.prefix+"-[0-9a-f]+$").MatchString(id) {
			return refuse(k.malformed, "Invalid id: \"%s\" (expecting \"%s-...\")", id, k.prefix)
		}
	}
	if len(ids) > 1 {
		return refuse(k.absent, strings.NewReplacer(" ID ", " IDs ", "does not", "do not").Replace(k.says), strings.Join(ids, ", "))
	}
	return refuse(k.absent, k.says, ids[0])
}

// pick keeps what was asked for by identifier, all if nothing was, and names all identifiers that nothing has.
func pick[T any](all []T, ids []string, id func(T) string, k kind) ([]T, error) {
	if len(ids) == 0 {
		return all, nil
	}
	byID := map[string]T{}
	for _, t := range all {
		byID[id(t)] = t
	}
	var picked []T
	var absent []string
	seen := map[string]bool{}
	for _, want := range ids {
		t, ok := byID[want]
		switch {
		case !ok:
			absent = append(absent, want)
		case !seen[want]:
			picked = append(picked, t)
		}
		seen[want] = true
	}
	if len(absent) > 0 {
		return nil, k.unknown(absent...)
	}
	return picked, nil
}
