package config

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// exampleFile is the file that explains every key.
const exampleFile = "../rrwatch.example.yaml"

// uncommented is the example with every optional key switched on, but for the alternatives (##).
func uncommented(t *testing.T) string {
	t.Helper()
	data, err := readFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^#( *(?:- )?[a-z_]+:)`).ReplaceAllString(string(data), "$1")
}

func TestTheExampleLoads(t *testing.T) {
	c, err := Load(exampleFile, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Slack != nil || len(c.Maintenance) > 0 {
		t.Error("an optional section is switched on in the example")
	}
}

func TestTheExampleLoadsWithEveryKey(t *testing.T) {
	c, err := Parse("rrwatch.example.yaml", []byte(uncommented(t)), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if c.Slack == nil || c.Slack.Channel != "alerts" || len(c.Maintenance) != 1 || c.Pools[0].Checks[0].HTTP.Body != "welcome" {
		t.Errorf("a key of the example was not switched on: %+v", c)
	}
}

// TestTheExampleExplainsEveryKey puts an unknown key into every mapping of the example: the error lists the keys
// that the reader knows there, and each must stand in the example.
func TestTheExampleExplainsEveryKey(t *testing.T) {
	source := uncommented(t)
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(source), &doc); err != nil {
		t.Fatal(err)
	}
	addUnknownKeys(doc.Content[0])
	text, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("x", text, noEnv)
	sections := 0
	for _, e := range errorsOf(t, err) {
		_, list, found := strings.Cut(e.Hint, "the keys here are ")
		if !found {
			t.Errorf("unexpected: %v", e)
			continue
		}
		sections++
		for key := range strings.SplitSeq(list, ", ") {
			if !regexp.MustCompile(`(?m)^(##)? *(- )?` + key + `:`).MatchString(source) {
				t.Errorf("%s: the example does not explain %s", e.Path, key)
			}
		}
	}
	// The file, log, aws, web, slack, budget, retention, maintenance, pool, its aws, instances, check, endpoint, remedy_when, three
	// steps of restore, failback, flapping, the pool's budget and its members'.
	if sections != 21 {
		t.Errorf("%d sections refuse an unknown key, want 21", sections)
	}
}

// addUnknownKeys adds a key that nobody knows to every mapping but those whose keys are free.
func addUnknownKeys(node *yaml.Node) {
	for i, item := range node.Content {
		free := node.Kind == yaml.MappingNode && i%2 == 1 && slices.Contains([]string{"tags", "headers"}, node.Content[i-1].Value)
		if !free {
			addUnknownKeys(item)
		}
	}
	if node.Kind == yaml.MappingNode {
		node.Content = append(node.Content,
			&yaml.Node{Kind: yaml.ScalarNode, Value: "zzzzzzzzzzzz"}, &yaml.Node{Kind: yaml.ScalarNode, Value: "1"})
	}
}
