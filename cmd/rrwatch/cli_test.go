package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rrwatch/simulator"
)

// asProgram makes the test binary be rrwatch itself: the tests of the command
// line run it as a user runs the program, in a process of its own.
const asProgram = "RRWATCH_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is rrwatch with these arguments, in an empty folder, with AWS
// credentials for the simulator and nothing else of the machine's.
func program(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if testing.Short() {
		t.Skip("this runs the whole program in real time; run without -short")
	}
	c := exec.CommandContext(ctx, os.Args[0], args...)
	c.Dir = t.TempDir()
	c.Env = []string{
		asProgram + "=1", "HOME=" + c.Dir, "PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
	}
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	return c
}

// answer is how a command ended.
type answer struct {
	out, err string
	code     int
}

// rrwatch runs a command to its end, which must come within a minute.
func rrwatch(t *testing.T, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return ended(t, program(ctx, t, args...))
}

func ended(t *testing.T, c *exec.Cmd) answer {
	t.Helper()
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return answer{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// newTestWorld is the demo's world with a configuration file that points at it.
func newTestWorld(t *testing.T, edit ...string) (*world, string) {
	t.Helper()
	w, err := newWorld(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.close() })
	dir := t.TempDir()
	text := strings.NewReplacer(edit...).Replace(string(w.yaml(filepath.Join(dir, "rrwatch.db"), "127.0.0.1:0")))
	file := filepath.Join(dir, "rrwatch.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return w, file
}

func TestWrongCommandLinesSayWhatToWrite(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an unknown command":      {[]string{"rum"}, `unknown command "rum" for "rrwatch"; did you mean run?`},
		"no command at all":       {[]string{"frobnicate"}, `unknown command "frobnicate" for "rrwatch"; "rrwatch --help" lists what there is`},
		"a fault unknown":         {[]string{"demo", "brake"}, `unknown command "brake" for "rrwatch demo"; did you mean break?`},
		"a file without --config": {[]string{"check", "rrwatch.yaml"}, "the file is named with --config"},
		"no region to begin with": {[]string{"init", "--name", "www.example.com", "--region", "frankfurt"}, `"frankfurt" is no AWS Region`},
		"an unknown flag":         {[]string{"run", "--confg", "x"}, `unknown flag: --confg; "rrwatch run --help" lists what there is`},
		"an argument too many":    {[]string{"probe", "www"}, `"rrwatch probe" takes no argument such as "www"`},
		"no such file":            {[]string{"run", "--config", "nowhere.yaml"}, "nowhere.yaml"},
		"--json without --once":   {[]string{"demo", "--json"}, "--json prints the figures of --once; give both"},
		"--site-only for nothing": {[]string{"demo", "--site-only"}, "say with --config-out where to write the configuration"},
		"too little to break":     {[]string{"demo", "break", "lb-1"}, "write it as in: rrwatch demo break lb-2 hang"},
		"no demo to break":        {[]string{"demo", "break", "lb-1", "kill", "--url", "http://127.0.0.1:1"}, "start it with `rrwatch demo`"},
		"nobody to be well":       {[]string{"healthcheck", "--url", "http://127.0.0.1:1/healthz"}, "ask whether rrwatch is well"},
	} {
		t.Run(name, func(t *testing.T) {
			a := rrwatch(t, c.args...)
			if a.code != 1 || !strings.Contains(a.err, c.want) || strings.Count(strings.TrimSpace(a.err), "\n") > 3 {
				t.Errorf("exit %d, said:\n%s\nwant one sentence with %q", a.code, a.err, c.want)
			}
		})
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	for _, c := range newRoot().Commands() {
		if c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.Example == "" || c.Short == "" {
			t.Errorf("rrwatch %s has no example or no sentence", c.Name())
		}
	}
	if a := rrwatch(t, "completion", "bash"); a.code != 0 || !strings.Contains(a.out, "rrwatch") {
		t.Errorf("no completion for bash: exit %d\n%s", a.code, a.err)
	}
	if a := rrwatch(t, "version"); a.out != "rrwatch dev\n" {
		t.Errorf("version says %q", a.out)
	}
}

func TestProbeAsksEverythingOnce(t *testing.T) {
	w, file := newTestWorld(t)
	if a := rrwatch(t, "probe", "--config", file); a.code != 0 || strings.Count(a.out, "pass") != 6 {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	if err := w.site.Break("lb-2", simulator.Fault503); err != nil {
		t.Fatal(err)
	}
	a := rrwatch(t, "probe", "--config", file)
	// Of the users, whom DNS sends anywhere, some are served.
	if passed := strings.Count(a.out, "pass"); a.code != 1 || passed < 4 || passed > 5 || !strings.Contains(a.out, "fail  www  127.113.0.12:") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
}

func TestPlanSaysWhatWouldBeDone(t *testing.T) {
	w, file := newTestWorld(t)
	if a := rrwatch(t, "plan", "--config", file); a.code != 0 || a.out != "pool www: nothing to do\n" {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	if err := w.site.Break("lb-2", simulator.FaultKill); err != nil {
		t.Fatal(err)
	}
	a := rrwatch(t, "plan", "--config", file)
	if want := "do    remap 127.113.0.12 from lb-2 (i-0a1b2c02) to lb-5 (i-0a1b2c05)"; a.code != 0 || !strings.Contains(a.out, want) {
		t.Errorf("exit %d, want %q in\n%s%s", a.code, want, a.out, a.err)
	}
	if n := w.aws.Calls()["AssociateAddress"]; n != 0 {
		t.Errorf("a plan made %d calls", n)
	}
}

func TestCheckProvesWhatRrwatchMayDo(t *testing.T) {
	w, file := newTestWorld(t)
	a := rrwatch(t, "check", "--config", file)
	if a.code != 0 || !strings.Contains(a.out, "ok      permitted, as needed: ec2:DescribeAddresses, ec2:DescribeInstances, ec2:DescribeInstanceStatus, ec2:AssociateAddress (5 tries)") || strings.Contains(a.out, "FAIL") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	w.aws.Deny("AssociateAddress")
	a = rrwatch(t, "check", "--config", file)
	if a.code != 1 || !strings.Contains(a.out, "FAIL    ec2:AssociateAddress on ") || !strings.Contains(a.out, ": not permitted") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
	if got := w.aws.Addresses()[0].Instance; got != "i-0a1b2c01" {
		t.Errorf("the check moved an address to %s", got)
	}
}

func TestCheckAdvisesReferencesToThoseWhoAct(t *testing.T) {
	_, file := newTestWorld(t)
	if a := rrwatch(t, "check", "--config", file); strings.Contains(a.out, "no references") {
		t.Errorf("advised although there are some:\n%s", a.out)
	}
	_, file = newTestWorld(t, "references:", "#references:")
	if a := rrwatch(t, "check", "--config", file); a.code != 0 || !strings.Contains(a.out, "note  no references are given") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
}

func TestBadDaysGiveOneClearSentence(t *testing.T) {
	for name, c := range map[string]struct {
		edit []string
		want string
	}{
		"a zone that does not exist":   {[]string{"zone: example.com", "zone: example.org", "www.example.com", "www.example.org"}, "example.org"},
		"a record that does not exist": {[]string{"record: www.example.com", "record: shop.example.com"}, "shop.example.com"},
		"a wrong Region":               {[]string{"eu-central-1", "us-east-1"}, "region"},
		"a half-written file":          {[]string{"    checks:", "    checks: ["}, "rrwatch.yaml:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, file := newTestWorld(t, c.edit...)
			a := rrwatch(t, "check", "--config", file)
			if said := a.out + a.err; a.code != 1 || !strings.Contains(strings.ToLower(said), c.want) || strings.Contains(said, "goroutine") {
				t.Errorf("exit %d, want %q in:\n%s", a.code, c.want, said)
			}
		})
	}
}

func TestMissingCredentialsAreNamed(t *testing.T) {
	_, file := newTestWorld(t)
	c := program(t.Context(), t, "check", "--config", file)
	c.Env = c.Env[:4]
	if a := ended(t, c); a.code != 1 || !strings.HasPrefix(a.err, "rrwatch: no AWS credentials found: set AWS_ACCESS_KEY_ID") || strings.Contains(a.out, "FAIL") {
		t.Errorf("exit %d\n%s%s", a.code, a.out, a.err)
	}
}

func TestRunSaysWhyItCannotStart(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct{ from, to, want string }{
		"the port is taken":              {"127.0.0.1:0", taken.Addr().String(), "set web.listen to a free address"},
		"the database has no folder":     {"rrwatch.db", "nowhere/rrwatch.db", "nowhere"},
		"the database is something else": {"rrwatch.db", "rrwatch.yaml", "database"},
	} {
		t.Run(name, func(t *testing.T) {
			_, file := newTestWorld(t, c.from, c.to)
			if a := rrwatch(t, "run", "--config", file); a.code != 1 || !strings.Contains(a.err, c.want) {
				t.Errorf("exit %d, want %q in:\n%s", a.code, c.want, a.err)
			}
		})
	}
}
