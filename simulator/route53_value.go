package simulator

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// maxString is how long one quoted string of a TXT value may be, in bytes (RFC 1035, section 3.3).
const maxString = 255

// checkValues returns what is wrong with the values of a set, empty if nothing is.
func (r RecordSet) checkValues() string {
	if r.Type == "CNAME" && len(r.Values) > 1 {
		return "Invalid Resource Record: 'FATAL problem: MultipleCNAMEValues encountered'"
	}
	seen := map[string]bool{}
	for _, v := range r.Values {
		if seen[v] {
			return fmt.Sprintf("Duplicate Resource Record: '%s'", v)
		}
		seen[v] = true
		if problem := checkValue(r.Type, v); problem != "" {
			return fmt.Sprintf("Invalid Resource Record: 'FATAL problem: %s encountered with '%s''", problem, v)
		}
	}
	return ""
}

// checkValue returns the problem with a value of a type, empty if there is none.
func checkValue(typ, v string) string {
	fields := len(strings.Fields(v))
	switch typ {
	case "A", "AAAA":
		return checkAddress(typ, v)
	case "TXT", "SPF":
		return checkText(v)
	case "MX":
		if fields != 2 {
			return "MXRRDATANotTwoFields (MX record doesn't have 2 fields)"
		}
	case "SRV":
		if fields != 4 {
			return "SRVRRDATANotFourFields (SRV record doesn't have 4 fields)"
		}
	}
	if _, err := record("name.invalid.", typ, 0, v); err != nil {
		return "UnparseableValue (Value is not valid for the type " + typ + ")"
	}
	return ""
}

// checkAddress returns the problem with the value of an A or AAAA record.
func checkAddress(typ, v string) string {
	ip, _ := netip.ParseAddr(v)
	if typ == "A" && !ip.Is4() {
		return "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)"
	}
	if typ == "AAAA" && (!ip.Is6() || ip.Is4In6() || ip.Zone() != "") {
		return "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)"
	}
	return ""
}

// checkText returns the problem with the value of a TXT record: one quoted string or several, each of at most 255 bytes,
// in which a backslash escapes a quotation mark, a backslash, or three octal digits.
func checkText(v string) string {
	const unquoted = "InvalidCharacterString (Value should be enclosed in quotation marks)"
	rest := strings.TrimLeft(v, " \t")
	for first := true; rest != "" || first; first = false {
		inside, after, ok := cutString(rest)
		if !ok {
			return unquoted
		}
		if inside > maxString {
			return "CharacterStringTooLong (Value is too long)"
		}
		rest = strings.TrimLeft(after, " \t")
	}
	return ""
}

// cutString cuts a quoted string off the beginning of s and returns how many bytes it stands for.
func cutString(s string) (length int, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return 0, "", false
	}
	for i := 1; i < len(s); i++ {
		switch _, escape := octal(s[i:]); {
		case s[i] == '"':
			return length, s[i+1:], true
		case escape:
			i += 3
		case s[i] == '\\':
			i++
		}
		length++
	}
	return 0, "", false
}

// record makes a DNS record of a value as Route 53 writes it: with escapes of three octal digits, where the DNS library has
// decimal ones.
func record(owner, typ string, ttl int64, value string) (dns.RR, error) {
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", owner, ttl, typ, decimal(value)))
	if err == nil && rr == nil {
		err = fmt.Errorf("the value is empty")
	}
	return rr, err
}

// decimal writes octal escapes as decimal ones.
func decimal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c, ok := octal(s[i:]); {
		case ok:
			fmt.Fprintf(&out, `\%03d`, c)
			i += 3
		case s[i] == '\\' && i+1 < len(s):
			out.WriteString(s[i : i+2])
			i++
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// questioned returns the name of a question, in which the DNS library escapes by decimal digits, normalised.
func questioned(name string) string {
	if !strings.Contains(name, `\`) {
		return normalName(name)
	}
	var out strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c != '\\' || i+1 == len(name):
			out.WriteByte(c)
			continue
		case i+3 < len(name) && name[i+1] >= '0' && name[i+1] <= '9':
			c = (name[i+1]-'0')*100 + (name[i+2]-'0')*10 + name[i+3] - '0'
			i += 3
		default:
			c = name[i+1]
			i++
		}
		fmt.Fprintf(&out, `\%03o`, c)
	}
	return normalName(out.String())
}
