package route53

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

func TestNamesAreTheSameHoweverTheyAreWritten(t *testing.T) {
	for given, want := range map[string]string{
		"www.example.com":          "www.example.com",
		"WWW.Example.COM.":         "www.example.com",
		`\052.example.com.`:        "*.example.com",
		`a\100b.example.com.`:      "a@b.example.com",
		`\101\057.example.com`:     "a/.example.com",
		`_rrwatch.\052.x.example.`: "_rrwatch.*.x.example",
		`a\056b.example.com.`:      `a\056b.example.com`,
		`a\.b.example.com.`:        `a\056b.example.com`,
		`a\\b.example.com`:         `a\134b.example.com`,
		`a\040b.example.com`:       `a\040b.example.com`,
		"a b.example.com":          `a\040b.example.com`,
		"bücher.example":           `b\303\274cher.example`,
		`end\`:                     `end\134`,
		`end\056`:                  `end\056`,
		`\400.example`:             "400.example", // no character has that number
		".":                        "",
		"":                         "",
	} {
		if got := normal(given); got != want {
			t.Errorf("%s is %s, want %s", given, got, want)
		}
	}
}

func TestNamesAreAskedForAsTheyAre(t *testing.T) {
	for given, want := range map[string]string{
		"www.example.com":       "www.example.com",
		`\052.example.com.`:     "*.example.com",
		`a\056b.example.com.`:   `a\046b.example.com`,
		`b\303\274cher.example`: `b\195\188cher.example`,
	} {
		if got := inDNS(normal(given)); got != want {
			t.Errorf("%s is asked for as %s, want %s", given, got, want)
		}
	}
}

func TestNamesAreOrderedAsRoute53ListsThem(t *testing.T) {
	got := inOrder([]string{"www.example.com", "a.www.example.com", "_rrwatch.www.example.com", "www-2.example.com", "0.www.example.com", "example.com",
		"www.example.com", "*.www.example.com", "www2.example.com", "api.example.com"})
	want := []string{"example.com", "api.example.com", "www-2.example.com", "www.example.com", "*.www.example.com", "0.www.example.com",
		"_rrwatch.www.example.com", "a.www.example.com", "www2.example.com"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A name is one name, whether its characters are written as they are or escaped, and whoever reads it.
func FuzzANameIsOneNameHoweverItIsWritten(f *testing.F) {
	for _, seed := range []string{"www.example.com.", `\052.example.com`, `a\056b.`, `a\.b`, `\\`, `\`, "..", `\0001`, "Ü.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := normal(name)
		if again := normal(got); again != got {
			t.Errorf("%q is %q, and that is %q", name, got, again)
		}
		if strings.ToLower(got) != got || strings.HasSuffix(got, ".") {
			t.Errorf("%q is %q: not lower case without a dot", name, got)
		}
		var escaped strings.Builder
		for rest := name; rest != ""; {
			c, n := character(rest)
			if c == '.' && n == 1 {
				escaped.WriteByte('.')
			} else {
				fmt.Fprintf(&escaped, `\%03o`, c)
			}
			rest = rest[n:]
		}
		if same := normal(escaped.String()); same != got {
			t.Errorf("%q is %q, and escaped %q", name, got, same)
		}
		if _, ok := dns.IsDomainName(inDNS(got)); ok {
			wire := make([]byte, 256)
			end, err := dns.PackDomainName(dns.Fqdn(inDNS(got)), wire, 0, nil, false)
			if err != nil {
				t.Skip() // such as a label that is too long
			}
			back, _, err := dns.UnpackDomainName(wire[:end], 0)
			if err != nil || dns.Fqdn(inDNS(got)) != back && normal(octal(back)) != got {
				t.Errorf("%q comes back from the wire as %q, %v", got, back, err)
			}
		}
	})
}

// octal is a name of the DNS library with its decimal escapes as Route 53's.
func octal(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '\\' {
			b.WriteByte(name[i])
			continue
		}
		var c int
		if n, err := fmt.Sscanf(name[i+1:], "%3d", &c); n == 1 && err == nil && i+3 < len(name) && '0' <= name[i+1] && name[i+1] <= '9' {
			i += 3
		} else {
			i++
			c = int(name[i])
		}
		fmt.Fprintf(&b, `\%03o`, c)
	}
	return b.String()
}
