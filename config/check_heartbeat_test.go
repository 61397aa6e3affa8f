package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

const goodToken = "0123456789abcdef"

func TestReadsAHeartbeatCheck(t *testing.T) {
	c := loneCheck(t, `{kind: heartbeat, token: "${T}"}`, map[string]string{"T": goodToken})
	if c.Heartbeat.Every != 15*time.Second || c.Heartbeat.Token.Reveal() != goodToken || c.Port != 0 || c.Host != "" || c.Tripwire {
		t.Errorf("got %+v", c)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(goodToken+"more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = loneCheck(t, "{kind: heartbeat, every: 1m, token_file: "+file+"}", nil)
	if c.Heartbeat.Every != time.Minute || c.Heartbeat.Token.Reveal() != goodToken+"more" {
		t.Errorf("got %+v", c.Heartbeat)
	}
}

func TestReportsMistakesOfAHeartbeatCheck(t *testing.T) {
	short := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(short, []byte("sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	const hint = "; make one with: openssl rand -hex 16"
	for _, m := range []mistake{
		{
			name: "no token",
			new:  "kind: heartbeat",
			want: "8:9: pools[0].checks[0].token: is missing" + hint,
		},
		{
			name: "an empty variable as the token",
			new:  `{kind: heartbeat, token: "${EMPTY}"}`,
			want: "8:34: pools[0].checks[0].token: the environment variable is set but empty; set it, or remove the key",
		},
		{
			name: "a short token",
			new:  `{kind: heartbeat, token: "${HIDDEN}"}`,
			want: "8:34: pools[0].checks[0].token: is shorter than 16 characters" + hint,
		},
		{
			name: "a short token in a file",
			new:  "{kind: heartbeat, token_file: " + short + "}",
			want: "8:39: pools[0].checks[0].token_file: is shorter than 16 characters" + hint,
		},
		{
			name: "a token with a blank",
			new:  "{kind: heartbeat, token: sesame sesame sesame}",
			want: "8:34: pools[0].checks[0].token: holds a character that an HTTP header does not carry" + hint,
		},
		{
			name: "two tokens",
			new:  "{kind: heartbeat, token: 0123456789abcdef, token_file: /nonexistent}",
			want: "8:64: pools[0].checks[0].token_file: token and token_file are both given; keep one of them",
		},
		{
			name: "a hasty heart",
			new:  "{kind: heartbeat, token: 0123456789abcdef, every: 500ms}",
			want: `8:59: pools[0].checks[0].every: wants a duration of at least 1s, not "500ms"`,
		},
		{
			name: "a port",
			new:  "{kind: heartbeat, token: 0123456789abcdef, port: 80}",
			want: "8:52: pools[0].checks[0].port: does not apply to a heartbeat check; remove it, or write kind: " + owners("port"),
		},
	} {
		m.old = "kind: http"
		m.run(t)
	}
}
