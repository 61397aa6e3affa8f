package probe_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"rrwatch/probe"
)

// The walk is held against the library, which decodes the whole body: both call
// the same bodies JSON, and every scalar is found where it stands.
func FuzzAJSONBodyIsJudged(f *testing.F) {
	for _, body := range []string{
		`{"status":"ok"}`, `[1,2.5,-3e2,{"a":null}]`, `{"a":{"b":[true,false]}}`, `"text"`, `{"a":1,}`, `[1,]`, `{"a" 1}`, `{"a":}`, `[1 2]`,
		`{"a":"\ud800"}`, `{"":0}`, `{"a.b":1}`, `1 2`, `{}{}`, "", " ", `nul`, `{"a":1e400}`, `[[[]]]`, `{"a":"\u0000"}`, `01`, `]`, `}`, `,`, `:`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		wrong, err := probe.JudgeJSON(body, map[string]string{"no such path": "1"})
		if err != nil {
			t.Fatal(err)
		}
		checkHarmless(t, wrong)
		deep := strings.Contains(wrong, "nested more than")
		isJSON := !strings.HasPrefix(wrong, "the body is not JSON")
		if !deep && isJSON != json.Valid([]byte(body)) {
			t.Fatalf("%q is JSON: %v, the probe says %q", body, !isJSON, wrong)
		}
		if !isJSON {
			return
		}
		var whole any
		decoder := json.NewDecoder(strings.NewReader(body))
		decoder.UseNumber()
		if err := decoder.Decode(&whole); err != nil {
			t.Fatal(err)
		}
		scalars := map[string]string{}
		if !gather("", whole, scalars) || strings.Contains(wrong, "no such path is") {
			return // a path may mean two places
		}
		if wrong, err := probe.JudgeJSON(body, scalars); err != nil || wrong != "" && !hasTwice(body) {
			t.Errorf("%q holds %v, and the probe says %q, %v", body, scalars, wrong, err)
		}
	})
}

// gather lists the scalars of a document; false if a path is there twice.
func gather(path string, value any, to map[string]string) bool {
	if _, twice := to[path]; twice {
		return false
	}
	at := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	unique := true
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			unique = unique && key != "" && !strings.Contains(key, ".") && gather(at(key), inner, to)
		}
	case []any:
		for i, inner := range v {
			unique = unique && gather(at(strconv.Itoa(i)), inner, to)
		}
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return false
		}
		to[path] = string(text)
	}
	return unique
}

// hasTwice reports that an object may have a key twice: then the last one of
// each is found, and the library merges them in its own way.
func hasTwice(body string) bool {
	keys := map[string]bool{}
	decoder := json.NewDecoder(strings.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if text, ok := token.(string); ok {
			if keys[text] {
				return true
			}
			keys[text] = true
		}
	}
}

func TestADottedPathLeadsToAScalar(t *testing.T) {
	const document = `{"a":{"b":[10,{"c":"x"}]},"a.b":{"c":true},"":{"d":1},"n":null}`
	for path, want := range map[string]string{
		"a.b.0": "10", "a.b.1.c": `"x"`, "a.b.c": "true", ".d": "1", "n": "null",
		"a.b.2": "", "a.b.-1": "", "a.b.01": "", "a": "", "A.b.0": "", "a.b.0.": "",
	} {
		text := want
		if want == "" {
			text = "10"
		}
		wrong, err := probe.JudgeJSON(document, map[string]string{path: text})
		if err != nil {
			t.Fatal(err)
		}
		if (wrong == "") != (want != "") {
			t.Errorf("%s: %s", path, fmt.Sprintf("want %q, got %q", want, wrong))
		}
	}
}

func TestJSONMayBeNestedAHundredDeep(t *testing.T) {
	for deep, ok := range map[int]bool{1: true, 100: true, 101: false, 10_000: false} {
		body := strings.Repeat("[", deep) + strings.Repeat("]", deep)
		wrong, err := probe.JudgeJSON(body, map[string]string{"x": "1"})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(wrong, "nested more than 100 deep") == ok {
			t.Errorf("%d deep: %q", deep, wrong)
		}
	}
}
