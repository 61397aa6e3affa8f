package config

import (
	"strings"
	"testing"
)

// mistake is a smallest file that was made wrong, and the exact text of the error.
type mistake struct {
	name string
	old  string // what is replaced in the smallest file; "" replaces all of it
	new  string
	want string // without "rrwatch.yaml:" at the beginning of the lines
}

// run checks that the mistake is reported as it should be.
func (m mistake) run(t *testing.T) {
	t.Run(m.name, func(t *testing.T) {
		text := m.new
		if m.old != "" {
			if text = strings.Replace(smallest, m.old, m.new, 1); text == smallest {
				t.Fatalf("%q is not in the smallest file", m.old)
			}
		}
		env := envOf(map[string]string{"HIDDEN": "sesame", "EMPTY": "", "TEN": "10"})
		_, err := Parse("rrwatch.yaml", []byte(text), env)
		if err == nil {
			t.Fatal("no error")
		}
		got := strings.ReplaceAll("\n"+err.Error(), "\nrrwatch.yaml:", "\n")[1:]
		if got != m.want {
			t.Errorf("got\n%s\nwant\n%s", got, m.want)
		}
		if strings.Contains(got, "sesame") {
			t.Error("the value of a variable is in the error")
		}
	})
}
