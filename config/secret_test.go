package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

func TestASecretIsNeverPrinted(t *testing.T) {
	const secret = Secret("geheim")
	holder := struct {
		Secret  Secret
		Pointer *Secret
		Map     map[string]Secret
	}{secret, new(secret), map[string]Secret{"a": secret}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10s", "%z"} {
		fmt.Fprintf(&out, verb, secret)
		fmt.Fprintf(&out, verb, holder)
		fmt.Fprintf(&out, verb, []Secret{secret})
	}
	fmt.Fprint(&out, secret, secret.String(), secret.GoString(), fmt.Errorf("x: %w", fmt.Errorf("%v", secret)))
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "secret", secret, "holder", holder)
	}
	inJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	inYAML, err := yaml.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(inJSON)
	out.Write(inYAML)
	text := strings.ToLower(out.String())
	for _, form := range []string{"geheim", fmt.Sprintf("%x", "geheim"), "103 101"} {
		if strings.Contains(text, form) {
			t.Errorf("%s is in the output:\n%s", form, text)
		}
	}
	if secret.Reveal() != "geheim" {
		t.Error("the secret is lost")
	}
}

func TestAWholeConfigurationPrintsNoSecret(t *testing.T) {
	c := mustParse(t, everything, envOf(map[string]string{"PW": "geheim", "PORT": "993", "PART": "50%"}))
	if text := fmt.Sprintf("%+v %#v %+v", c, c, c.Slack); strings.Contains(text, "geheim") || strings.Contains(text, "xoxb-1") {
		t.Error(text)
	}
}
