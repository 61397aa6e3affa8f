package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts a file into a temporary folder and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadNamesTheFileInItsMistakes(t *testing.T) {
	path := write(t, "rrwatch.yaml", strings.Replace(smallest, "kind: http", "kind: ftp", 1))
	_, err := Load(path, noEnv)
	want := path + `:8:15: pools[0].checks[0].kind: unknown kind "ftp"; write ` + kindList()
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLoadReadsTheFile(t *testing.T) {
	c, err := Load(write(t, "rrwatch.yaml", smallest), noEnv)
	if err != nil || c.AWS.Region != "eu-central-1" {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestLoadSaysWhyAFileCannotBeRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "rrwatch.yaml")
	folder := t.TempDir()
	long := write(t, "long.yaml", strings.Repeat("#", maxFile+1))
	for path, want := range map[string]string{
		missing: ": there is no such file; write it (rrwatch.example.yaml explains every key) or name another with --config",
		folder:  ": is a folder; name the file in it",
		long:    ": is longer than 1048576 bytes; is it the configuration?",
	} {
		_, err := Load(path, noEnv)
		if err == nil || err.Error() != path+want {
			t.Errorf("got %v, want %s%s", err, path, want)
		}
	}
	if _, err := Load(missing, noEnv); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestLoadSaysThatAFileMayNotBeRead(t *testing.T) {
	path := write(t, "rrwatch.yaml", smallest)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(path); err == nil {
		t.Skip("this user may read every file; nothing can be refused to it")
	}
	_, err := Load(path, noEnv)
	if want := path + ": may not be read; let the user that rrwatch runs as read it"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestASecretComesFromAFileWithoutItsLineBreak(t *testing.T) {
	path := write(t, "token", "xoxb-$1 2\r\n")
	c := mustParse(t, smallest+"slack: {token_file: \""+path+"\", channel: c}\n", noEnv)
	if got := c.Slack.Token.Reveal(); got != "xoxb-$1 2" {
		t.Errorf("got %q", got)
	}
	empty := write(t, "empty", "\n")
	_, err := Parse("x", []byte(smallest+"web: {password_file: \""+empty+"\"}\n"), noEnv)
	if want := `"` + empty + `" is empty; write the secret to it`; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want … %s", err, want)
	}
}

func TestAWebhookMayComeFromAFile(t *testing.T) {
	good := write(t, "webhook", "https://hooks.slack.com/services/a\n")
	c := mustParse(t, smallest+"slack: {webhook_file: \""+good+"\"}\n", noEnv)
	if got := c.Slack.Webhook.Reveal(); got != "https://hooks.slack.com/services/a" {
		t.Errorf("got %q", got)
	}
	bad := write(t, "webhook", "geheim")
	_, err := Parse("x", []byte(smallest+"slack: {webhook_file: \""+bad+"\"}\n"), noEnv)
	want := "x:9:23: slack.webhook_file: wants a URL that begins with https:// or http://; copy the whole URL"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestMergesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 {x: 1}\n")
	for i := 1; i < 12; i++ {
		last := string(rune('a' + i - 1))
		if i == 1 {
			last = "a0"
		}
		here := string(rune('a' + i))
		b.WriteString(here + ": &" + here + " {<<: [" + strings.Repeat("*"+last+", ", 9) + "*" + last + "]}\n")
	}
	b.WriteString("log: {<<: *l}\n")
	_, err := Parse("x", []byte(b.String()), noEnv)
	if err == nil || !strings.Contains(err.Error(), "is merged too often; use << at most 999 times") {
		t.Errorf("got %v", err)
	}
}
