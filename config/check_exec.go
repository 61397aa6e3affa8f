package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Exec is the command of an exec check, and how its end is judged.
type Exec struct {
	Command []Secret          // the program and its arguments, at least the program; arguments may hold passwords
	Env     map[string]Secret // set beside PATH, HOME, LANG, TZ and RRWATCH_…
	Exit    []int             // the statuses that pass, 0 to 255, at least one
	Unknown []int             // the statuses that say nothing of the address, 0 to 255; none of them passes
}

// execKind is the kind exec. It has no port of its own, but may be given one for its command.
func execKind() kindSpec {
	return kindSpec{
		kind: KindExec, port: noPort, read: readExec,
		keys: []string{keyHost, "port", "command", "env", "exit", "unknown"},
	}
}

// readExec reads what only exec checks have.
func readExec(s *section, c *Check) {
	c.Port = uint16(read(s, "port", 0, integer(1, 65535)))
	e := &Exec{}
	c.Exec = e
	e.Command = need(s, "command", `write the program and its arguments, such as command: [/usr/lib/nagios/plugins/check_ssh, "{address}"]`,
		listOf(1, `/usr/lib/nagios/plugins/check_ssh, "{address}"`, argument(c.Port)))
	if len(e.Command) > 0 && strings.TrimSpace(e.Command[0].Reveal()) == "" {
		s.at("command", "begins with an empty text", "write the program first")
	}
	e.Env = read(s, "env", nil, environment)
	e.Exit = read(s, "exit", []int{0}, exitStatuses(1))
	e.Unknown = read(s, "unknown", nil, exitStatuses(0))
	for _, status := range e.Unknown {
		if slices.Contains(e.Exit, status) {
			s.at("unknown", fmt.Sprintf("the status %d is in exit, too", status), "keep one of the two")
		}
	}
}

// argument reads one word of a command. A word of an empty text is one, too.
func argument(port uint16) func(value) (Secret, bool) {
	return func(v value) (Secret, bool) {
		switch {
		case v.node.Kind == yaml.MappingNode:
			v.wants("text", `put it in quotes, as in "{address}"`)
			return "", false
		case v.node.Kind == yaml.ScalarNode && !v.isText():
			v.fail("wants text", "put it in quotes")
			return "", false
		case !v.isText():
			v.wants("text", "")
			return "", false
		case strings.ContainsRune(v.text, 0):
			v.fail("holds a NUL character", "remove it")
			return "", false
		}
		return Secret(v.text), placeholders(v, port)
	}
}

// placeholders checks the names in braces of an argument: what looks like one of ours and is not would be handed on
// as it stands.
func placeholders(v value, port uint16) bool {
	names := []string{"address", "port", "pool", "check", keyHost}
	for _, found := range regexp.MustCompile(`\{([A-Za-z]+)\}`).FindAllStringSubmatch(v.node.Value, -1) {
		near := nearest(found[1], names)
		switch {
		case found[1] == "port" && port == 0:
			v.fail("uses {port}, and the check has no port", "write port: and a number, or remove it")
			return false
		case slices.Contains(names, found[1]), near == "":
		default:
			v.fail("holds "+found[0]+", which nothing replaces", "did you mean {"+near+"}?")
			return false
		}
	}
	return true
}

// environment reads the variables of a command. Their values are not shown: they may be passwords.
func environment(v value) (map[string]Secret, bool) {
	return mapOf(func(key string, v value) (Secret, bool) {
		switch {
		case !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(key):
			v.fail("is no name of a variable", "write one such as TOKEN")
		case strings.HasPrefix(key, "RRWATCH_"):
			v.fail("is a name of rrwatch's own", "write another name")
		case !v.isText():
			v.fail("wants text", "put it in quotes")
		case strings.ContainsRune(v.text, 0):
			v.fail("holds a NUL character", "remove it")
		default:
			return Secret(v.text), true
		}
		return "", false
	})(v)
}

// exitStatuses reads a list of at least so many exit statuses of commands.
func exitStatuses(least int) func(value) ([]int, bool) {
	return func(v value) ([]int, bool) {
		all, ok := listOf(least, "0, 1", integer(0, 255))(v)
		return all, ok && unique(v, all)
	}
}
