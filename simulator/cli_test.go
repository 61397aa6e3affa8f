package simulator_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rrwatch/simulator"
)

// cliScripts are the scripts of testdata/aws-cli by name.
func cliScripts(t *testing.T) map[string][]cliStep {
	t.Helper()
	files, err := filepath.Glob("testdata/aws-cli/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	scripts := map[string][]cliStep{}
	for _, file := range files {
		if filepath.Base(file) == "README.txt" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		steps, err := readScript(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		scripts[file] = steps
	}
	return scripts
}

func TestTheAWSCLIIsContent(t *testing.T) {
	program, err := exec.LookPath("aws")
	switch {
	case testing.Short():
		t.Skip("the AWS CLI is slow to start; run without -short")
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("no AWS CLI found: install the package awscli")
	case err != nil:
		t.Skip("no AWS CLI found: install the package awscli to test the simulator with it")
	}
	for file, steps := range cliScripts(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if underRace && !slices.Contains([]string{"addresses.txt", "association.txt", "batches.txt", "records.txt"}, filepath.Base(file)) {
				t.Skip("the AWS CLI takes a second of CPU to start, whatever watches the simulator; without the race detector all scripts are run")
			}
			t.Parallel()
			c := newCLI(t, program)
			for _, s := range steps {
				c.play(t, file, s)
			}
		})
	}
}

func TestTheScriptsOfTheAWSCLIAreMany(t *testing.T) {
	calls, errs := 0, 0
	for _, steps := range cliScripts(t) {
		for _, s := range steps {
			if s.words[0] != "faults" {
				calls++
			}
			if strings.HasPrefix(s.want, "An error occurred") {
				errs++
			}
		}
	}
	if calls < 40 || errs < 15 {
		t.Errorf("%d calls, %d of them refused", calls, errs)
	}
}

// Every call that the simulator knows is made by the AWS CLI in some script, and stands in docs/simulator.md.
func TestEveryCallIsMadeByTheAWSCLIAndDocumented(t *testing.T) {
	made := map[string]bool{}
	for _, steps := range cliScripts(t) {
		for _, s := range steps {
			if at := slices.Index(s.words, "aws"); at >= 0 && at+2 < len(s.words) {
				made[s.words[at+2]] = true
			}
		}
	}
	page, err := os.ReadFile("../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range simulator.New(simulator.Options{}).Actions() {
		word := strings.ToLower(regexp.MustCompile(`[A-Z]`).ReplaceAllString(action, "-$0")[1:])
		if !made[word] && action != "ModifyPublicIpDnsNameOptions" { // which is younger than the AWS CLI of Debian 12
			t.Errorf("no script of testdata/aws-cli calls %s", word)
		}
		if !regexp.MustCompile(`\b` + action + `\b`).Match(page) {
			t.Errorf("docs/simulator.md does not name %s", action)
		}
	}
}

// cli is the AWS CLI with an account of its own, and nothing else of the machine's.
type cli struct {
	program string
	aws     *simulator.AWS
	url     string
	env     []string
	names   names
}

func newCLI(t *testing.T, program string) *cli {
	t.Helper()
	a := simulator.New(simulator.Options{})
	server := httptest.NewServer(a.Switchable())
	t.Cleanup(server.Close)
	home := t.TempDir()
	return &cli{program: program, aws: a, url: server.URL, names: names{}, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8",
		"AWS_CONFIG_FILE=" + filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(home, "credentials"),
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=any", "AWS_DEFAULT_REGION=eu-central-1", "AWS_DEFAULT_OUTPUT=json",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=",
	}}
}

// play does one step of a script.
func (c *cli) play(t *testing.T, file string, s cliStep) {
	t.Helper()
	var env, words []string
	for _, w := range s.words {
		filled, err := c.names.fill(w)
		if err != nil {
			t.Fatalf("%s:%d: %v", file, s.line, err)
		}
		if len(words) == 0 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(w) {
			env = append(env, filled)
			continue
		}
		words = append(words, filled)
	}
	var out string
	switch words[0] {
	case "aws":
		out = c.call(t, env, words[1:])
	case "faults":
		if _, answer := ask(t, c.aws.Switchable(), "POST", simulator.FaultsPath, strings.Join(words[1:], " ")); answer["errors"] != nil {
			t.Fatalf("%s:%d: %v", file, s.line, answer["errors"])
		}
	default:
		t.Fatalf("%s:%d: %s: only aws and faults can be called", file, s.line, words[0])
	}
	found, wrong := c.names.compare(s.want, out)
	if len(wrong) > 0 {
		t.Errorf("%s:%d: %s\n  %s\nThe whole was:\n%s", file, s.line, strings.Join(words, " "), strings.Join(wrong, "\n  "), c.names.hide(out))
	}
	maps.Copy(c.names, found)
}

// call runs the AWS CLI and returns what it prints; of an error the part that says what AWS answered.
func (c *cli) call(t *testing.T, env, args []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, c.program, append([]string{"--endpoint-url", c.url}, args...)...)
	command.Env = append(append(command.Env, c.env...), env...)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if err == nil {
		return out.String() + errs.String()
	}
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Fatal(err)
	}
	said := errs.String()
	if said == "" {
		said = err.Error()
	}
	// Newer versions say before it who they are, some add how often they have tried.
	if at := strings.Index(said, "An error occurred"); at >= 0 {
		said = regexp.MustCompile(` \(reached max retries: [0-9]+\)`).ReplaceAllString(said[at:], "")
	}
	return out.String() + said
}
