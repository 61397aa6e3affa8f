package simulator

import (
	"encoding/xml"
	"slices"
	"strings"
)

// maxTags is how many tags a thing may have, from the EC2 user guide, "Tag your Amazon EC2 resources".
const maxTags = 50

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

// tagSetXML is what has tags; nil leaves it out, as EC2 does of addresses and instances that have none.
type tagSetXML struct {
	Items []tagXML `xml:"item"`
}

func tagSet(tags map[string]string) *tagSetXML {
	if len(tags) == 0 {
		return nil
	}
	return &tagSetXML{tagsXML(tags)}
}

// readTags reads Tag.N, checked.
func readTags(c call) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range items(c, "Tag") {
		key := t.form.Get("Key")
		switch _, twice := out[key]; {
		case key == "" || len([]rune(key)) > 127 || len([]rune(t.form.Get("Value"))) > 255:
			return nil, refuse("InvalidParameterValue", "Value ( %s ) for parameter key is invalid. Tag keys have 1 to 127 characters, values at most 255", key)
		case strings.HasPrefix(key, "aws:"):
			return nil, refuse("InvalidParameterValue", "Value ( %s ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use", key)
		case twice:
			return nil, refuse("InvalidParameterValue", "Duplicate tag key '%s' specified.", key)
		}
		out[key] = t.form.Get("Value")
	}
	if len(out) > maxTags {
		return nil, tooManyTags()
	}
	return out, nil
}

func tooManyTags() error {
	return refuse("TagLimitExceeded", "More than %d tags specified", maxTags)
}

// specified reads the tags that a call puts on what it makes of a type, from TagSpecification.N.
func specified(c call, kind string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range items(c, "TagSpecification") {
		if s.form.Get("ResourceType") == "" {
			return nil, refuse("InvalidParameterValue", "Tag specification resource type must have a value")
		}
		tags, err := readTags(s)
		if err != nil {
			return nil, err
		}
		if s.form.Get("ResourceType") == kind {
			out = tags
		}
	}
	return out, nil
}

func (a *AWS) createTags(c call) (any, error) {
	tags, err := readTags(c)
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, refuse("InvalidParameterValue", "Value ( empty ) for parameter tagSet is invalid. You must specify one or more tags to create")
	}
	return a.tag(c, func(old map[string]string) map[string]string { return retag(old, tags, nil) })
}

// deleteTags takes off the tags that are named, whatever their value unless one is given; all if none is named.
func (a *AWS) deleteTags(c call) (any, error) {
	named := items(c, "Tag")
	return a.tag(c, func(old map[string]string) map[string]string {
		return retag(old, nil, func(key, value string) bool {
			return len(named) == 0 || slices.ContainsFunc(named, func(t call) bool {
				return t.form.Get("Key") == key && (!t.form.Has("Value") || t.form.Get("Value") == value)
			})
		})
	})
}

// tag changes the tags of everything that a call names, or of nothing.
func (a *AWS) tag(c call, change func(map[string]string) map[string]string) (any, error) {
	return a.change(0, func(e *edit) (any, error) {
		for _, id := range list(c, "ResourceId") {
			if err := e.tagOne(id, change); err != nil {
				return nil, err
			}
		}
		return done(c), nil
	})
}

func (e *edit) tagOne(id string, change func(map[string]string) map[string]string) error {
	fits := func(tags map[string]string) error {
		if len(tags) > maxTags {
			return tooManyTags()
		}
		return nil
	}
	if i, ok := e.instances[id]; ok {
		i.Tags = change(i.Tags)
		i.Name = i.Tags["Name"]
		e.instances[id] = i
		return fits(i.Tags)
	}
	if n, ok := e.interfaces[id]; ok {
		n.Tags = change(n.Tags)
		e.interfaces[id] = n
		return fits(n.Tags)
	}
	if d, err := e.byAllocation(id); err == nil {
		d.Tags = change(d.Tags)
		e.addresses[d.IP] = d
		return fits(d.Tags)
	}
	for _, k := range []kind{ofInstance(), ofInterface(), ofAllocation()} {
		if strings.HasPrefix(id, k.prefix+"-") && !strings.HasPrefix(id, ofAttachment().prefix) {
			return k.unknown(id)
		}
	}
	return refuse("InvalidID", "The ID '%s' is not valid", id)
}

// tagFact is one tag of one thing.
type tagFact struct {
	ID    string `xml:"resourceId"`
	Type  string `xml:"resourceType"`
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type describeTagsAnswer struct {
	XMLName   xml.Name
	RequestID string    `xml:"requestId"`
	Tags      []tagFact `xml:"tagSet>item"`
	NextToken string    `xml:"nextToken,omitempty"`
}

func (a *AWS) describeTags(c call) (any, error) {
	w := a.described()
	var all []tagFact
	add := func(kind, id string, tags map[string]string) {
		for _, t := range tagsXML(tags) {
			all = append(all, tagFact{id, kind, t.Key, t.Value})
		}
	}
	for _, i := range w.sortedInstances() {
		add("instance", i.ID, i.Tags)
	}
	for _, n := range w.sortedInterfaces() {
		add("network-interface", n.ID, n.Tags)
	}
	for _, d := range w.sortedAddresses() {
		add("elastic-ip", d.Allocation, d.Tags)
	}
	known := tagged[tagFact]{tags: func(t tagFact) map[string]string { return map[string]string{t.Key: t.Value} }, facts: facts[tagFact]{
		"key":           one(func(t tagFact) string { return t.Key }),
		"resource-id":   one(func(t tagFact) string { return t.ID }),
		"resource-type": one(func(t tagFact) string { return t.Type }),
		"value":         one(func(t tagFact) string { return t.Value }),
	}}
	all, err := filter(c, all, known)
	if err != nil {
		return nil, err
	}
	shown, next, err := page(c, "", all)
	if err != nil {
		return nil, err
	}
	return describeTagsAnswer{XMLName: named(c), RequestID: c.requestID, Tags: shown, NextToken: next}, nil
}
