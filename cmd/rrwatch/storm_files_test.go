package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const outageFolder = "testdata/outages"

// someOutages is how many of the outages are lived through where time is short:
// one in so many.
const someOutages = 8

// TestOutages lets a whole rrwatch live through every outage that somebody has
// written down, with all invariants judged as in the random ones. With -short, and
// under the race detector, it is one in eight; make test runs all without it.
func TestOutages(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(outageFolder, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for n, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if name == "README" || (underRace || testing.Short()) && n%someOutages != 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			o, err := parseOutage(file, string(text))
			if err != nil {
				t.Fatal(err)
			}
			if len(o.prose) == 0 || len(o.events) == 0 {
				t.Errorf("%s says not what happens: begin it with a sentence or two after #, and give it a timeline", file)
			}
			if found := liveQuietly(t, o, nil); len(found.wrong) > 0 {
				t.Errorf("%s\n\n%s", strings.Join(found.wrong, "\n"), found.told)
			}
		})
	}
}

func TestAnOutageIsReadAsItWasWritten(t *testing.T) {
	for seed := range uint64(300) {
		o := drawOutage(seed)
		text := o.String()
		again, err := parseOutage("drawn.txt", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(o, again) {
			t.Fatalf("seed %d: written\n%s\nread\n%s", seed, text, again)
		}
	}
}

func TestEachSentenceOfAnOutageIsReadAsItWasWritten(t *testing.T) {
	site := defaultSite()
	if err := site.build(); err != nil {
		t.Fatal(err)
	}
	samples := map[string]string{
		"instances": "lb-1, lb-2", "instance": "lb-4", "member": "www-1", "zone": "a", "pool": "www", "action": "AssociateAddress",
		"where": "after", "guard": "shared", "cause": "process", "duration": "90s", "count": "2", "text": `"a, b"`,
	}
	var lines []string
	sample := func(prefix string, w words) {
		var filled []string
		for _, kind := range w.gaps() {
			filled = append(filled, samples[kind])
		}
		lines = append(lines, prefix+w.write(filled))
	}
	for _, v := range verbs() {
		sample("", v.words)
	}
	for _, f := range facts() {
		sample("expect ", f.words)
		sample("expect not ", f.words)
	}
	for _, line := range lines {
		for _, times := range []string{"", " within 10s", " for 5m", " within 10s for 5m"} {
			if times != "" && !strings.HasPrefix(line, "expect") {
				continue
			}
			e, err := site.readEvent(line + times)
			if err != nil {
				t.Errorf("%v", err)
				continue
			}
			if got := strings.ReplaceAll(e.String(), "1m30s", "90s"); got != line+times {
				t.Errorf("%q is written %q", line+times, got)
			}
		}
	}
}

func TestMistakesInAnOutageAreNamedWithTheirPlace(t *testing.T) {
	const header = "# Something.\nsite: weighted, 2 members\n"
	for text, want := range map[string]string{
		header + "0:30 lb-1 dyes":                              `o.txt:3: "lb-1 dyes" is not understood`,
		header + "0:30 lb-9 dies":                              `o.txt:3: <instances> dies|die: "lb-9" is no instance; write one of lb-1, lb-2, lb-3, several as lb-1, lb-3, or all`,
		header + "0:30 lb-1, lb-9 die":                         `"lb-9" is no instance`,
		header + "lb-1 dies":                                   `o.txt:3: "lb-1" begins with no time; write one as 0:30`,
		header + "0:30 lb-1 dies\n0:20 lb-1 heals":             `o.txt:4: 0:20 comes after 0:30; put the lines in the order of their times`,
		header + "end lb-1 dies":                               `nothing happens at the end`,
		header + "0:30 lb-1 dies\nsite: simple":                `o.txt:4: site: the site and its policy come before what happens; move this line up`,
		header + "0:30 expect www-1 is served within soon":     `"soon" is no duration; write one as 250ms, 30s or 5m`,
		header + "0:30 expect www-1 is on the moon":            `is not understood; the nearest sentences are`,
		header + "0:30 expect journal has anything":            `anything is no text; write it in double quotes`,
		header + "0:30 AWS refuses Everything":                 `"Everything" is no AWS action; write one of AssociateAddress`,
		"site: heavy":                                          `o.txt:1: "heavy" is not understood in the line site`,
		"policy: act; interval often":                          `"often" is no duration`,
		"sight: weighted":                                      `o.txt:1: "sight" is no line of a site; write site, policy, aws, ask, watch, instance, pool or file`,
		"instance: lb-1, on the moon":                          `write as: instance: lb-4, zone b, pools www api, own address`,
		"instance: lb-7, zone a, pools www\n0:30 lb-1 dies":    `instance lb-7 in zone a for "www" is not of this site, which has 4 instances`,
		"site: weighted, 99 members\n0:30 lb-1 dies":           `1 to 20 members`,
		header + "0:30 rrwatch is killed for 1s on its change": `is not understood`,
	} {
		if _, err := parseOutage("o.txt", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestTheReadmeOfTheOutagesHasEveryWord compares the list of words at the end of
// README.txt with those that are understood; with RRWATCH_UPDATE=1 it writes it.
func TestTheReadmeOfTheOutagesHasEveryWord(t *testing.T) {
	const mark = "THE WORDS\n"
	file := filepath.Join(outageFolder, "README.txt")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	prose, list, found := strings.Cut(string(data), mark)
	if !found {
		t.Fatalf("%s has no line %q", file, strings.TrimSpace(mark))
	}
	want := allWords()
	if list == want {
		return
	}
	if os.Getenv("RRWATCH_UPDATE") == "" {
		t.Fatalf("the list of words in %s is not that of the program; run this test with RRWATCH_UPDATE=1 and look at what it writes", file)
	}
	if err := os.WriteFile(file, []byte(prose+mark+want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// allWords is every sentence that is understood, with what it means.
func allWords() string {
	var b strings.Builder
	b.WriteString("\nIn the lines site, policy, ask, watch and aws:\n\n")
	for _, f := range siteFacts() {
		fmt.Fprintf(&b, "    %s: %s\n", f.key, f.words)
	}
	b.WriteString("\nWhat happens:\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(&b, "    %s\n        %s\n", v.words, v.does)
	}
	b.WriteString("\nWhat is expected:\n\n")
	for _, f := range facts() {
		fmt.Fprintf(&b, "    expect %s\n        %s\n", f.words, f.means)
	}
	return b.String()
}
