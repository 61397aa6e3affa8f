package config

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// kindList are the kinds as a mistake lists them.
func kindList() string { return orList(asText(kindNames())) }

// owners are the kinds that have a key, as a mistake lists them.
func owners(key string) string {
	var list []string
	for _, k := range kinds() {
		if k.has(key) {
			list = append(list, string(k.kind))
		}
	}
	return orList(list)
}

// The page of the checks has a section for each kind that names each of its keys.
func TestTheDocumentsExplainEveryKindAndKey(t *testing.T) {
	text, err := os.ReadFile("../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range strings.Split(string(text), "\n### ")[1:] {
		title, body, _ := strings.Cut(section, "\n")
		body, _, _ = strings.Cut(body, "\n## ")
		sections[title] = body
	}
	for _, k := range kinds() {
		body, ok := sections[string(k.kind)]
		if k.kind == KindHTTPS {
			body += sections[string(KindHTTP)] // it says: as http
		}
		if !ok || !strings.Contains(body, "kind: "+string(k.kind)) {
			t.Errorf("docs/checks.md has no section with an example of kind %s", k.kind)
		}
		for _, key := range k.keys {
			if !regexp.MustCompile("(`|\\b)" + key + "(`|:)").MatchString(body) {
				t.Errorf("docs/checks.md does not explain %s in the section of kind %s", key, k.kind)
			}
		}
	}
}
