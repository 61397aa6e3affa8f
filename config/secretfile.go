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
	data, ok := smallFile(v, "the secret", 64<<10)
	secret := strings.TrimRight(string(data), "\r\n")
	if ok && secret == "" {
		v.fail(strconv.Quote(v.node.Value)+" is empty", "write the secret to it")
		return "", false
	}
	return Secret(secret), ok
}

// smallFile returns what the file holds that the value names; what is what it should hold, and longest its greatest
// length in bytes.
func smallFile(v value, what string, longest int64) ([]byte, bool) {
	path, ok := text(v)
	if !ok {
		return nil, false
	}
	file := strconv.Quote(v.node.Value)
	data, err := readSmall(path, longest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.fail(file+" does not exist", "write "+what+" to that file, or correct the path")
	case errors.Is(err, fs.ErrPermission):
		v.fail(file+" may not be read", "let the user that rrwatch runs as read it")
	case errors.Is(err, errNotSmall):
		v.fail(fmt.Sprintf("%s is no file of at most %d KiB", file, longest>>10), "name the file that holds "+what)
	case err != nil:
		v.fail(file+" cannot be read", "check the path and the disk")
	default:
		return data, true
	}
	return nil, false
}

// errNotSmall says that a path leads to something that is no short text: a folder, a device, a long file.
var errNotSmall = errors.New("is no small file")

// readSmall returns what a file holds. It opens regular files only, for others may never end.
func readSmall(path string, longest int64) (data []byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at the file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > longest {
		return nil, errNotSmall
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, longest))
	if err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	return data, nil
}
