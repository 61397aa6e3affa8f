package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// parseYAML returns the one document of a file, or says where the text is no YAML.
func parseYAML(name string, data []byte) (*yaml.Node, *Error) {
	if problem := checkText(name, data); problem != nil {
		return nil, problem
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, syntaxError(name, err)
	}
	var first, second yaml.Node
	err = loader.Load(&first)
	if errors.Is(err, io.EOF) || err == nil && isEmpty(&first) {
		return nil, &Error{
			File: name, Line: 1, Column: 1, Message: "the file is empty",
			Hint: "write at least region, mode and one pool (rrwatch.example.yaml explains every key)",
		}
	}
	if err != nil {
		return nil, syntaxError(name, err)
	}
	switch err = loader.Load(&second); {
	case errors.Is(err, io.EOF):
		return first.Content[0], nil
	case err != nil:
		return nil, syntaxError(name, err)
	}
	return nil, &Error{
		File: name, Line: second.Line, Column: max(second.Column, 1), Message: "a second document begins here",
		Hint: "rrwatch reads one: remove it, and the line --- or ... before it",
	}
}

// isEmpty reports whether a document says nothing, as one of only --- does.
func isEmpty(document *yaml.Node) bool {
	return len(document.Content) != 1 || isNull(document.Content[0])
}

// isNull reports whether a node is the absence of a value.
func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.Tag == "!!null"
}

// checkText finds the first byte that no text file holds. The YAML library refuses these too, but without a place.
func checkText(name string, data []byte) *Error {
	line, column := 1, 1
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return &Error{
				File: name, Line: line, Column: column, Message: "is not UTF-8 text", Hint: "save the file as UTF-8",
			}
		case r < ' ' && !strings.ContainsRune("\t\n\r", r) || r == '\x7f':
			return &Error{
				File: name, Line: line, Column: column,
				Message: fmt.Sprintf("holds the control character %U", r), Hint: "remove it; is this a text file?",
			}
		case r == '\n':
			line, column = line+1, 1
		default:
			column++
		}
		i += size
	}
	return nil
}

// syntaxError turns an error of the YAML library into a sentence with a place and a next step.
func syntaxError(name string, err error) *Error {
	e := &Error{File: name, Line: 1, Column: 1, cause: err}
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		e.Message = "is not valid YAML: " + err.Error()
		return e
	}
	if load.Mark.Line > 0 {
		e.Line, e.Column = load.Mark.Line, max(load.Mark.Column, 1)
	}
	e.Message = "is not valid YAML: " + load.Message
	if load.ContextMsg != "" && load.ContextMark.Line > 0 && load.ContextMark != load.Mark {
		e.Message += fmt.Sprintf(", %s that begins at %d:%d",
			load.ContextMsg, load.ContextMark.Line, load.ContextMark.Column)
	}
	e.Hint = syntaxHint(load.Message)
	return e
}

// syntaxHint guesses what the writer of the file got wrong.
func syntaxHint(message string) string {
	switch {
	case strings.Contains(message, "mapping values are not allowed"):
		return "indent the line as its neighbours are, or quote a value that holds a colon and a space"
	case strings.Contains(message, "cannot start any token"):
		return "indent with spaces, not tabs, and quote a value that begins with @, ` or %"
	case strings.Contains(message, "end of stream"):
		return "a quote is not closed, or the file was saved half-written"
	case strings.Contains(message, "unknown anchor"):
		return "write the anchor (&name) above its first use (*name)"
	case strings.Contains(message, "',' or"):
		return "close the bracket, and quote ${NAME} inside of brackets"
	default:
		return "compare the indentation with the lines above; the file may be half-written"
	}
}
