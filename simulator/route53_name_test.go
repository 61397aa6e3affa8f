package simulator

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWritesNamesAsRoute53Does(t *testing.T) {
	for given, want := range map[string]string{
		"WWW.Example.COM.":      "www.example.com.",
		`\052.example.com`:      `\052.example.com.`,
		"*.example.com.":        `\052.example.com.`,
		`\127\127\127.a.b`:      "www.a.b.",
		"_dmarc.a-b.c1":         "_dmarc.a-b.c1.",
		"a@b.c":                 `a\100b.c.`,
		`a\056b.c`:              `a\056b.c.`,
		`a\b.c`:                 `a\134b.c.`,
		"b\u00fccher.example":   `b\303\274cher.example.`,
		`b\303\274cher.example`: `b\303\274cher.example.`,
		`\400.c`:                `\134400.c.`,
		`\09`:                   `\13409.`,
	} {
		normal := normalName(given)
		if got := wireName(normal); got != want {
			t.Errorf("%q: written as %q, want %q", given, got, want)
		}
		if again := normalName(wireName(normal)); again != normal {
			t.Errorf("%q: normalised to %q, and that to %q", given, normal, again)
		}
	}
	if got := normalName(`\052.Example.com.`); got != "*.example.com" {
		t.Errorf("kept %q", got)
	}
}

func FuzzNamesAreNormalisedOnce(f *testing.F) {
	for _, seed := range []string{"www.example.com.", `\052.A`, `\`, `\134`, `\056.`, "..", "\x00\xff", `\777`, `a\1`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		normal := normalName(name)
		if strings.HasSuffix(normal, ".") {
			t.Skip("only the root has more than one trailing dot")
		}
		if again := normalName(normal); again != normal {
			t.Errorf("%q becomes %q, then %q", name, normal, again)
		}
		wire := wireName(normal)
		if !plain(wire, `\`) || normalName(wire) != normal {
			t.Errorf("%q is written as %q, which is %q again", normal, wire, normalName(wire))
		}
	})
}

// The order is that of com.example.www. as a text, from the API reference of ListResourceRecordSets.
func TestOrdersNamesByReversedLabelsWithTheirDots(t *testing.T) {
	want := []string{
		"example.com", "0.example.com", "*.example.com", "_a.example.com", "a-b.example.com", "x.a-b.example.com", "a.example.com",
		"a.a.example.com", "a0.example.com", "www.example.com", "example.net",
	}
	key := func(name string) string {
		labels := strings.Split(strings.TrimSuffix(wireName(name), "."), ".")
		slices.Reverse(labels)
		return strings.Join(labels, ".") + "."
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareNames)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, a := range want {
		for _, b := range want {
			if got, want := compareNames(a, b), strings.Compare(key(a), key(b)); got != want {
				t.Errorf("compared %s with %s: %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestRefusesNamesThatNoDNSCanCarry(t *testing.T) {
	long := strings.Repeat("a", 63)
	for name, want := range map[string]string{
		"":                        "DomainLabelEmpty",
		"a..b":                    "DomainLabelEmpty",
		".b":                      "DomainLabelEmpty",
		long + ".b":               "",
		long + "a.b":              "DomainLabelTooLong",
		`\303\274` + long[2:]:     "",
		long + `\056`:             "DomainLabelTooLong",
		strings.Repeat("a.", 127): "",
		strings.Repeat("a.", 128): "DomainNameTooLong",
	} {
		if got := badName(name); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
