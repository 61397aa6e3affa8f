package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

func locked(f *faults, show func() any) func() any {
	return func() any {
		f.mu.Lock()
		defer f.mu.Unlock()
		return show()
	}
}

// present is what of a map is not zero; the map itself stays with its lock.
func present[V comparable](m map[string]V) map[string]V {
	out := map[string]V{}
	var zero V
	for k, v := range m {
		if v != zero {
			out[k] = v
		}
	}
	return out
}

// reader reads a value and hands it to the method that switches.
func reader[V any](read func(json.RawMessage) (V, error), turn func(V)) func(json.RawMessage) (func(), error) {
	return func(raw json.RawMessage) (func(), error) {
		v, err := read(raw)
		return func() { turn(v) }, err
	}
}

func eachOf[V any](turn func(string, V)) func(map[string]V) {
	return func(m map[string]V) {
		for name, v := range m {
			turn(name, v)
		}
	}
}

func yesOrNo(raw json.RawMessage) (v bool, err error) {
	if json.Unmarshal(raw, &v) != nil || string(raw) == "null" {
		return false, fmt.Errorf("%s: write true or false", raw)
	}
	return v, nil
}

func count(raw json.RawMessage) (n int, err error) {
	if json.Unmarshal(raw, &n) != nil || n < 0 || string(raw) == "null" {
		return 0, fmt.Errorf("%s: write how many calls it shall meet, such as 3; 0 ends it", raw)
	}
	return n, nil
}

func duration(raw json.RawMessage) (time.Duration, error) {
	var text string
	err := json.Unmarshal(raw, &text)
	d, parsed := time.ParseDuration(text)
	if err != nil || parsed != nil || d < 0 {
		return 0, fmt.Errorf(`%s: write a time such as "300ms" or "5s"; "0s" is what the simulator was started with`, raw)
	}
	return d, nil
}

// byName reads an object with a value for each of some things that are known.
func byName[V any](known func(string) error, read func(json.RawMessage) (V, error)) func(json.RawMessage) (map[string]V, error) {
	return func(raw json.RawMessage) (map[string]V, error) {
		var asked map[string]json.RawMessage
		if json.Unmarshal(raw, &asked) != nil || asked == nil {
			return nil, fmt.Errorf(`%s: write an object of names and values, such as {"AssociateAddress": …}`, raw)
		}
		values := map[string]V{}
		var mistakes []error
		for _, name := range slices.Sorted(maps.Keys(asked)) {
			v, err := read(asked[name])
			if unknown := known(name); unknown != nil {
				err = unknown
			}
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("%q: %w", name, err))
			}
			values[name] = v
		}
		return values, errors.Join(mistakes...)
	}
}
