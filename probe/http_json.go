package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// jsonDepth is how deep a body may be nested: deeper than anybody writes, and
// shallow enough for a stack.
const jsonDepth = 100

var (
	errJSONDeep = errors.New("it is nested more than 100 deep")
	errJSONMore = errors.New("something follows it")
	errNoScalar = errors.New("this is no text, number or truth value of JSON")
)

// jsonWant is a scalar that must stand at a path of a JSON body.
type jsonWant struct {
	path   string
	scalar json.Token // a string, a json.Number, a bool or nil
}

// jsonWants reads what is expected, in the order of the paths.
func jsonWants(wants map[string]string) ([]jsonWant, error) {
	var all []jsonWant
	for _, path := range slices.Sorted(maps.Keys(wants)) {
		w := jsonWalk{decoder: json.NewDecoder(strings.NewReader(wants[path])), found: map[string]json.Token{"": nil}}
		w.decoder.UseNumber()
		err := w.whole()
		if _, ok := w.found[""].(json.Delim); ok {
			err = errNoScalar
		}
		if err != nil {
			return nil, fmt.Errorf("expect %q at %s of the body: %w", wants[path], path, err)
		}
		all = append(all, jsonWant{path: path, scalar: w.found[""]})
	}
	return all, nil
}

// judgeJSON says what is wrong with a body of which scalars are expected;
// empty: nothing.
func judgeJSON(body io.Reader, wants []jsonWant) string {
	w := jsonWalk{decoder: json.NewDecoder(body), found: map[string]json.Token{}}
	w.decoder.UseNumber()
	for _, want := range wants {
		w.found[want.path] = nowhere
		w.longest = max(w.longest, len(want.path))
	}
	if err := w.whole(); err != nil {
		return "the body is not JSON: " + clip(err.Error())
	}
	for _, want := range wants {
		got := w.found[want.path]
		switch {
		case got == nowhere:
			return fmt.Sprintf("the JSON has nothing at %s", clip(want.path))
		case !sameScalar(got, want.scalar):
			return fmt.Sprintf("%s is %s, not %s", clip(want.path), shownScalar(got), shownScalar(want.scalar))
		}
	}
	return ""
}

// nowhere stands for a value that was not found: no value begins so.
const nowhere = json.Delim('?')

// jsonWalk reads a body token by token and keeps only what is expected of it:
// a body that decodes to fifty times its size costs nothing.
type jsonWalk struct {
	decoder *json.Decoder
	path    []byte                // of the value that is read
	longest int                   // of the expected paths, in bytes
	found   map[string]json.Token // by path; the expected ones only
}

// whole reads one value with nothing after it.
func (w *jsonWalk) whole() error {
	if err := w.value(0); err != nil {
		return err
	}
	_, err := w.decoder.Token()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errJSONMore
	}
	return err
}

func (w *jsonWalk) value(depth int) error {
	token, err := w.token()
	if err != nil {
		return err
	}
	// A path that is longer than each expected one is not looked up: a body with
	// a key of megabytes would make that costly.
	if len(w.path) <= w.longest {
		if _, expected := w.found[string(w.path)]; expected {
			w.found[string(w.path)] = token
		}
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth == jsonDepth {
		return errJSONDeep
	}
	outer := len(w.path)
	for i := 0; w.decoder.More(); i++ {
		key := strconv.Itoa(i)
		if delim == '{' {
			token, err := w.token()
			if err != nil {
				return err
			}
			key = fmt.Sprint(token)
		}
		if depth > 0 {
			w.path = append(w.path, '.')
		}
		w.path = append(w.path, key...)
		if err := w.value(depth + 1); err != nil {
			return err
		}
		w.path = w.path[:outer]
	}
	_, err = w.token() // the end of the object or array
	return err
}

func (w *jsonWalk) token() (json.Token, error) {
	token, err := w.decoder.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return token, err
}

// sameScalar compares what stands there with what is expected. Numbers are
// compared by value: 3 is 3.0.
func sameScalar(got, want json.Token) bool {
	a, aNumber := got.(json.Number)
	b, bNumber := want.(json.Number)
	if !aNumber || !bNumber {
		return got == want
	}
	if a == b {
		return true
	}
	_, aNoInt := a.Int64()
	_, bNoInt := b.Int64()
	if aNoInt == nil && bNoInt == nil {
		return false // a float64 would hold two large ones as one
	}
	x, errX := a.Float64()
	y, errY := b.Float64()
	return errX == nil && errY == nil && x == y
}

func shownScalar(token json.Token) string {
	if delim, ok := token.(json.Delim); ok {
		if delim == '{' {
			return "an object"
		}
		return "a list"
	}
	text, err := json.Marshal(token)
	if err != nil {
		return "no value"
	}
	return clip(string(text))
}
