package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestReadsAnExecCheck(t *testing.T) {
	reveal := cmp.Transformer("reveal", Secret.Reveal)
	short := loneCheck(t, "{kind: exec, command: [/bin/true]}", nil)
	want := &Exec{Command: []Secret{"/bin/true"}, Exit: []int{0}}
	if diff := cmp.Diff(want, short.Exec, reveal, cmpopts.EquateEmpty()); diff != "" || short.Port != 0 || short.Host != "www.example.com" || short.Tripwire {
		t.Errorf("got %+v\n%s", short, diff)
	}
	full := loneCheck(t, `{kind: exec, port: 22, host: a.example.com, exit: [0, 1], unknown: [3, 255], env: {TOKEN: "${PW}", EMPTY: ""},
		command: [check_ssh, -H, "{address}", -p, "{port}", "", "{print}", "${PW}", "{pool}{check}{host}"]}`, map[string]string{"PW": "geheim"})
	want = &Exec{
		Command: []Secret{"check_ssh", "-H", "{address}", "-p", "{port}", "", "{print}", "geheim", "{pool}{check}{host}"},
		Env:     map[string]Secret{"TOKEN": "geheim", "EMPTY": ""}, Exit: []int{0, 1}, Unknown: []int{3, 255},
	}
	if diff := cmp.Diff(want, full.Exec, reveal); diff != "" || full.Port != 22 || full.Host != "a.example.com" {
		t.Errorf("got %+v\n%s", full, diff)
	}
	if text := fmt.Sprintf("%v %+v %#v", full.Exec, full.Exec, full.Exec); strings.Contains(text, "geheim") || strings.Contains(text, "{print}") {
		t.Errorf("a secret is shown: %s", text)
	}
}

func TestReportsMistakesOfAnExecCheck(t *testing.T) {
	exec := func(rest string) string { return "{kind: exec, " + rest + "}" }
	for _, m := range []mistake{
		{
			name: "no command",
			new:  exec("exit: [0]"),
			want: `8:9: pools[0].checks[0].command: is missing; write the program and its arguments, such as command: [/usr/lib/nagios/plugins/check_ssh, "{address}"]`,
		},
		{
			name: "a command for a shell",
			new:  exec("command: check_ssh -H 1"),
			want: `8:31: pools[0].checks[0].command: wants a list such as [/usr/lib/nagios/plugins/check_ssh, "{address}"], not "check_ssh -H 1"`,
		},
		{
			name: "an empty program",
			new:  exec(`command: [" "]`),
			want: "8:31: pools[0].checks[0].command: begins with an empty text; write the program first",
		},
		{
			name: "braces without quotes",
			new:  exec("command: [a, {address}]"),
			want: `8:35: pools[0].checks[0].command[1]: wants text, not a mapping; put it in quotes, as in "{address}"`,
		},
		{
			name: "a number as an argument",
			new:  exec("command: [a, 443]"),
			want: "8:35: pools[0].checks[0].command[1]: wants text; put it in quotes",
		},
		{
			name: "a list as an argument",
			new:  exec("command: [a, [b]]"),
			want: "8:35: pools[0].checks[0].command[1]: wants text, not a list",
		},
		{
			name: "a NUL in an argument",
			new:  exec(`command: [a, "sesame\0"]`),
			want: "8:35: pools[0].checks[0].command[1]: holds a NUL character; remove it",
		},
		{
			name: "a placeholder with a slip",
			new:  exec(`command: [a, "-H{addresss}"]`),
			want: "8:35: pools[0].checks[0].command[1]: holds {addresss}, which nothing replaces; did you mean {address}?",
		},
		{
			name: "a placeholder in capitals",
			new:  exec(`command: [a, "{HOST}"]`),
			want: "8:35: pools[0].checks[0].command[1]: holds {HOST}, which nothing replaces; did you mean {host}?",
		},
		{
			name: "a port that the check has not",
			new:  exec(`command: [a, "{port}"]`),
			want: "8:35: pools[0].checks[0].command[1]: uses {port}, and the check has no port; write port: and a number, or remove it",
		},
		{
			name: "variables",
			new:  exec(`command: [a], env: {"A-B": sesame, RRWATCH_POOL: sesame, C: 5, D: "sesame\0"}`),
			want: "8:49: pools[0].checks[0].env.A-B: is no name of a variable; write one such as TOKEN\n" +
				"8:71: pools[0].checks[0].env.RRWATCH_POOL: is a name of rrwatch's own; write another name\n" +
				"8:82: pools[0].checks[0].env.C: wants text; put it in quotes\n" +
				"8:88: pools[0].checks[0].env.D: holds a NUL character; remove it",
		},
		{
			name: "statuses",
			new:  exec("command: [a], exit: [], unknown: [256, -1]"),
			want: "8:42: pools[0].checks[0].exit: is an empty list; write at least one, such as [0, 1]\n" +
				"8:56: pools[0].checks[0].unknown[0]: wants a whole number from 0 to 255, not 256\n" +
				"8:61: pools[0].checks[0].unknown[1]: wants a whole number from 0 to 255, not -1",
		},
		{
			name: "a status twice",
			new:  exec("command: [a], exit: [0, 3, 0], unknown: [3]"),
			want: "8:49: pools[0].checks[0].exit[2]: 0 is in the list twice; remove one",
		},
		{
			name: "a status in both lists",
			new:  exec("command: [a], exit: [0, 3], unknown: [3]"),
			want: "8:59: pools[0].checks[0].unknown: the status 3 is in exit, too; keep one of the two",
		},
		{
			name: "a tripwire",
			new:  exec("command: [a], tripwire: true"),
			want: "8:36: pools[0].checks[0].tripwire: does not apply to an exec check; remove it, or write kind: " + owners("tripwire"),
		},
	} {
		m.old = "kind: http"
		m.run(t)
	}
}
