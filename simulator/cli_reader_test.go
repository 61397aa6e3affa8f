package simulator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAScriptIsReadAsItsREADMESays(t *testing.T) {
	steps, err := readScript(strings.Join([]string{
		"# A comment.", "", "> aws a  --b 'c $D", "  e' \\", `  "f \"g\" \052"`, `{"h": 1}`, "", "> aws i", "> aws j", "two", "lines", "",
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []cliStep{
		{3, []string{"aws", "a", "--b", "c $D\n  e", `f "g" \052`}, `{"h": 1}`},
		{8, []string{"aws", "i"}, ""},
		{9, []string{"aws", "j"}, "two\nlines"},
	}
	if diff := cmp.Diff(want, steps, cmp.AllowUnexported(cliStep{})); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{
		"aws a":            `line 1: "aws a": a call begins with >`,
		"# x\n> aws 'a\nb": "line 2: the call has no end",
	} {
		if _, err := readScript(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s…", text, err, want)
		}
	}
}

func TestNamesAreFilledInAndUnknownOnesRefused(t *testing.T) {
	n := names{"A": "x1", "AB": "y2"}
	if got, err := n.fill("eipalloc-$A,Values=$AB"); err != nil || got != "eipalloc-x1,Values=y2" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := n.fill("$C"); err == nil || err.Error() != "$C stands for nothing yet" {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsPrintedIsComparedInFull(t *testing.T) {
	known := names{"A": "eipalloc-1"}
	for _, c := range []struct {
		want, got string
		wrong     []string
		found     names
	}{
		{"", "", nil, names{}},
		{"", "x", []string{`the text: got "x", want ""`}, names{}},
		{"no $A", "no eipalloc-1", nil, names{}},
		{"no $A", "no eipalloc-2", []string{`the text: got "no eipalloc-2", want "no $A"`}, names{}},
		{"i-$I= and $_=", "i-12 and more", nil, names{"I": "12"}},
		{"$A=", "x", []string{"the text: $A= names something again; take another name", `the text: got "x", want "$A="`}, names{}},
		{"$B", "x", []string{"the text: $B stands for nothing yet", `the text: got "x", want "$B"`}, names{}},
		{"{}", "x", []string{"the whole: is no JSON"}, names{}},
		{`{"a": "$I=", "b": [1, true, null]}`, `{"b": [1, true, null], "a": "x"}`, nil, names{"I": "x"}},
		{`{"a": 1, "b": [1, 2]}`, `{"c": 1, "b": [2, 1]}`, []string{
			".a: is missing", ".b[0]: got 2, want 1", ".b[1]: got 1, want 2", ".c: is not expected"}, names{}},
		{`[1]`, `[1, 2]`, []string{": want 1 elements"}, names{}},
		{`{"a": {}}`, `{"a": []}`, []string{".a: got [], want an object"}, names{}},
		{`{"a": "$_="}`, `{"a": 1}`, []string{`.a: got 1, want "$_="`}, names{}},
	} {
		found, wrong := known.compare(c.want, c.got)
		if diff := cmp.Diff(c.wrong, wrong); diff != "" {
			t.Errorf("%q against %q: %s", c.got, c.want, diff)
		}
		if diff := cmp.Diff(c.found, found); diff != "" && len(wrong) == 0 {
			t.Errorf("%q against %q: %s", c.got, c.want, diff)
		}
	}
}
