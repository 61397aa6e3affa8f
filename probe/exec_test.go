package probe_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rrwatch/probe"
)

// shell runs a script.
func shell(script string) probe.ExecOptions {
	return probe.ExecOptions{Command: []string{"/bin/sh", "-c", script}, Host: "www.example.com", Exit: []int{0}}
}

func someAddr() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.1:443") }

func TestJudgesACommandByItsExitStatus(t *testing.T) {
	for name, c := range map[string]struct {
		script  string
		verdict probe.Verdict
		reason  probe.Reason
		detail  string
	}{
		"passes":                {"echo OK - all well; echo more", probe.Pass, "", "OK - all well"},
		"passes in silence":     {"exit 0", probe.Pass, "", "exit status 0"},
		"also passes":           {"echo WARNING - 80 %; exit 1", probe.Pass, "", "WARNING - 80 %"},
		"fails":                 {"echo CRITICAL - down; exit 2", probe.Fail, probe.Exit, "exit status 2: CRITICAL - down"},
		"fails in silence":      {"exit 255", probe.Fail, probe.Exit, "exit status 255"},
		"speaks of its errors":  {"echo >&2; echo cannot open >&2; exit 2", probe.Fail, probe.Exit, "exit status 2: cannot open"},
		"output before errors":  {"echo no >&2; echo yes; exit 2", probe.Fail, probe.Exit, "exit status 2: yes"},
		"cannot tell":           {"echo UNKNOWN - no route; exit 3", probe.Inconclusive, probe.Internal, "the command could not tell, exit status 3: UNKNOWN - no route"},
		"crashes":               {"echo begun; kill -SEGV $$", probe.Fail, probe.Exit, "killed by SIGSEGV: begun"},
		"is killed by somebody": {"kill -KILL $$", probe.Inconclusive, probe.OwnResources, "killed by SIGKILL, and not by rrwatch: is this machine out of memory?"},
		"is ended by somebody":  {"kill -TERM $$", probe.Inconclusive, probe.Cancelled, "ended by SIGTERM, and not by rrwatch: does this machine shut down?"},
		"has nothing to read":   {"read line || echo nothing", probe.Pass, "", "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			o := shell(c.script)
			o.Exit, o.Unknown = []int{0, 1}, []int{3}
			a := ask(t, probe.Exec(o), someAddr(), soon)
			if a.Verdict != c.verdict || a.Reason != c.reason || a.Detail != c.detail {
				t.Errorf("got %s, %q: %s\nwant %s, %q: %s", a.Verdict, a.Reason, a.Detail, c.verdict, c.reason, c.detail)
			}
			if a.Phases.Whole <= 0 {
				t.Error("the whole has no time")
			}
		})
	}
}

func TestWithoutUnknownStatusesEveryOtherOneFails(t *testing.T) {
	if a := ask(t, probe.Exec(shell("exit 3")), someAddr(), soon); a.Verdict != probe.Fail || a.Reason != probe.Exit {
		t.Errorf("got %+v", a)
	}
}

func TestTellsACommandWhomToAsk(t *testing.T) {
	o := probe.ExecOptions{
		Command: []string{
			"/bin/sh", "-c", `echo "$@ $RRWATCH_ADDRESS $RRWATCH_PORT $RRWATCH_POOL $RRWATCH_CHECK $RRWATCH_HOST"`, "sh",
			"-H", "{address}", "--at={address}:{port}", "{pool}/{check}", "{host}", "{other} {Address} {{pool}}", "$HOME; `id`",
		},
		Host: "www.example.com", Exit: []int{0},
	}
	for addr, want := range map[string]string{
		"192.0.2.1:443": "-H 192.0.2.1 --at=192.0.2.1:443 www/check www.example.com {other} {Address} {www} $HOME; `id` 192.0.2.1 443 www check www.example.com",
		"[2001:db8::1]:0": "-H 2001:db8::1 --at=2001:db8::1:0 www/check www.example.com {other} {Address} {www} $HOME; `id` " +
			"2001:db8::1 0 www check www.example.com",
	} {
		if a := ask(t, probe.Exec(o), netip.MustParseAddrPort(addr), soon); a.Detail != want {
			t.Errorf("got  %s\nwant %s", a.Detail, want)
		}
	}
}

func TestACommandSeesLittleOfTheEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "sesame-open-7f3a")
	t.Setenv("TZ", "Europe/Berlin")
	t.Setenv("LANG", "C")
	file := filepath.Join(t.TempDir(), "env")
	o := shell("env > " + file)
	o.Env = map[string]string{"MINE": "1", "TZ": "UTC", "RRWATCH_POOL": "forged"}
	if a := ask(t, probe.Exec(o), someAddr(), soon); a.Verdict != probe.Pass {
		t.Fatalf("got %+v", a)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		switch name, _, _ := strings.Cut(line, "="); name {
		case "PWD", "OLDPWD", "SHLVL", "_", "PATH", "HOME": // the shell's own, and what differs
		default:
			got = append(got, strings.TrimSpace(line))
		}
	}
	slices.Sort(got)
	want := []string{
		"LANG=C", "MINE=1", "RRWATCH_ADDRESS=192.0.2.1", "RRWATCH_CHECK=check", "RRWATCH_HOST=www.example.com",
		"RRWATCH_POOL=www", "RRWATCH_PORT=443", "TZ=UTC",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsOfACommandAreNeverInAnAnswer(t *testing.T) {
	const secret = "sesame-open-7f3a"
	for _, script := range []string{
		"echo login with $TOKEN; exit 0", "echo login with $TOKEN failed; exit 2", "echo $TOKEN >&2; exit 3",
		"echo $TOKEN$TOKEN; exec sleep 100", "echo " + strings.Repeat("x", 195) + "$TOKEN",
	} {
		o := shell(script)
		o.Env = map[string]string{"TOKEN": secret, "SHORT": "o"}
		o.Unknown = []int{3}
		a := ask(t, probe.Exec(o), someAddr(), 300*time.Millisecond)
		if strings.Contains(a.Detail, "sesame") || a.Detail == "" || strings.Contains(a.Detail, "l[secret]gin") {
			t.Errorf("%s: %s", script, a.Detail)
		}
	}
}

func TestWhatACommandSaysIsMadeHarmless(t *testing.T) {
	for _, script := range []string{
		`printf '\033[2J\007red\n'`, `printf '\377\376\200\n'`, `printf '%05000d\n' 0`, `head -c 100000 /dev/zero`,
		`printf '\n\n\n  \t text \r\n'`, `yes | head -c 1000000`, `printf 'a\r\nb'; exit 2`,
	} {
		a := ask(t, probe.Exec(shell(script)), someAddr(), soon)
		if a.Reason == probe.AnswerTimeout || a.Detail == "" {
			t.Errorf("%s: got %+v", script, a)
		}
		checkHarmless(t, a.Detail)
	}
}

func TestACommandThatCannotRunSaysNothingOfTheTarget(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, c := range map[string]struct{ program, detail string }{
		"missing":             {"/nonexistent/check_x", "does not exist; install it where rrwatch runs, or correct the check's command"},
		"missing in PATH":     {"rrwatch-no-such-command", "does not exist; install it where rrwatch runs, or correct the check's command"},
		"without interpreter": {write("odd", "#!/nonexistent/perl\n", 0o755), "does not exist; install it where rrwatch runs, or correct the check's command"},
		"not executable":      {write("plain", "#!/bin/sh\n", 0o644), "may not execute it; allow that (chmod +x), or correct the check's command"},
		"a folder":            {dir, "may not execute it; allow that (chmod +x), or correct the check's command"},
		"no program":          {write("text", "hello\n", 0o755), "exec format error; see whether it runs by hand, as the user of rrwatch"},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, probe.Exec(probe.ExecOptions{Command: []string{c.program}, Exit: []int{0}}), someAddr(), soon)
			if a.Verdict != probe.Inconclusive || a.Reason != probe.Internal || !strings.HasSuffix(a.Detail, c.detail) {
				t.Errorf("got %s, %q: %s\nwant inconclusive, internal: %s", a.Verdict, a.Reason, a.Detail, c.detail)
			}
		})
	}
}
