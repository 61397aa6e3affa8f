package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"rrwatch/config"
)

// Every configuration that the documents show is read as the program reads it.
func TestTheExamplesOfTheDocumentsAreRight(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(region:.*?)```")
	n := 0
	for _, file := range []string{"../../README.md", "../../docs/checks.md", "../../docs/permissions.md", "../../docs/simulator.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
			n++
			if _, err := config.Parse(file, []byte(block[1]), func(string) (string, bool) { return strings.Repeat("x", 32), true }); err != nil {
				t.Errorf("%v\n%s", err, block[1])
			}
		}
	}
	if n < 6 {
		t.Errorf("only %d examples were found", n)
	}
}

// Every reason that an answer can have stands in a table of the page of checks.
func TestTheDocumentsExplainEveryReason(t *testing.T) {
	source, err := os.ReadFile("../../probe/probe.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`(?m)^\t\w+ +Reason = "([^"]+)"`).FindAllSubmatch(source, -1)
	if len(reasons) < 30 {
		t.Errorf("only %d reasons were found", len(reasons))
	}
	for _, reason := range reasons {
		if !bytes.Contains(page, []byte("\n| "+string(reason[1])+" |")) {
			t.Errorf("docs/checks.md does not explain the reason %q", reason[1])
		}
	}
}
