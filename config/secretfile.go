package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// secret reads the secret of a key, or of the file that key_file names. Nothing that it reports shows the secret.
func (s *section) secret(key string) Secret {
	file := key + "_file"
	if s.gives(key) && s.gives(file) {
		s.at(file, fmt.Sprintf("%s and %s are both given", key, file), "keep one of them")
		s.known = append(s.known, key, file)
		return ""
	}
	if e := find(s.entries, key); e != nil && !s.gives(key) && resolve(e.node).Value != "" {
		s.at(key, "the environment variable is set but empty", "set it, or remove the key")
	}
	if s.gives(file) {
		s.known = append(s.known, key)
		return read(s, file, "", secretFile)
	}
	s.known = append(s.known, file)
	return read(s, key, "", secretText)
}

// secretURL is secret for a URL.
func (s *section) secretURL(key string) Secret {
	secret := s.secret(key)
	if secret == "" {
		return ""
	}
	u, err := url.Parse(secret.Reveal())
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		if s.gives(key + "_file") {
			key += "_file"
		}
		s.at(key, "wants a URL that begins with https:// or http://", "copy the whole URL")
		return ""
	}
	return secret
}

// secretText reads a secret that stands in the configuration itself.
func secretText(v value) (Secret, bool) {
	if !v.isText() {
		v.fail("wants text", "put it in quotes")
		return "", false
	}
	return Secret(v.text), true
}

// secretFile reads a secret from the file that the value names, without the line breaks at its end.
func secretFile(v value) (Secret, bool) {
	path, ok := text(v)
	if !ok {
		return "", false
	}
	file := strconv.Quote(v.node.Value)
	data, err := readSecret(path)
	secret := strings.TrimRight(string(data), "\r\n")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.fail(file+" does not exist", "write the secret to that file, or correct the path")
	case errors.Is(err, fs.ErrPermission):
		v.fail(file+" may not be read", "let the user that rrwatch runs as read it")
	case errors.Is(err, errNoSecret):
		v.fail(file+" is no file of at most 64 KiB", "name the file that holds the secret")
	case err != nil:
		v.fail(file+" cannot be read", "check the path and the disk")
	case secret == "":
		v.fail(file+" is empty", "write the secret to it")
	default:
		return Secret(secret), true
	}
	return "", false
}

// errNoSecret says that a path leads to something that is no secret: a folder, a device, a long file.
var errNoSecret = errors.New("is no secret")

// readSecret returns what a secret's file holds. It opens regular files only, for others may never end.
func readSecret(path string) (data []byte, err error) {
	const longest = 64 << 10
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at the secret's file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > longest {
		return nil, errNoSecret
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the secret's file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, longest))
	if err != nil {
		return nil, fmt.Errorf("read the secret's file: %w", err)
	}
	return data, nil
}
