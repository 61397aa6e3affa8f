package config

import (
	"encoding"
	"fmt"
	"io"
	"log/slog"
)

// hidden is what a secret looks like wherever it is printed.
const hidden = "[secret]"

// Secret is a text that is never printed: fmt, log/slog and the encoders all write "[secret]" in its place.
type Secret string

var (
	_ fmt.Formatter          = Secret("")
	_ fmt.Stringer           = Secret("")
	_ fmt.GoStringer         = Secret("")
	_ slog.LogValuer         = Secret("")
	_ encoding.TextMarshaler = Secret("")
)

// Reveal returns the secret itself, for the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]".
func (Secret) String() string { return hidden }

// GoString returns "[secret]".
func (Secret) GoString() string { return hidden }

// LogValue returns "[secret]".
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText returns "[secret]" and no error.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format writes "[secret]" for every verb. Without it a verb that does not suit a text, such as %d, would print
// the value, for fmt calls no methods while it reports a bad verb.
func (Secret) Format(s fmt.State, _ rune) {
	// fmt.State keeps what is written in memory: the write cannot fail.
	_, _ = io.WriteString(s, hidden)
}
