package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFile is the most bytes that are read of a configuration file. A pool takes about 500.
const maxFile = 1 << 20

// Load reads the configuration file at path; env finds environment variables, as os.LookupEnv does. The error is
// of type Errors and holds every mistake of the file.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, Errors{unreadable(path, err)}
	}
	return Parse(path, data, env)
}

// Parse reads a configuration from data; name is what errors call the file, and env finds environment variables,
// as os.LookupEnv does. Secrets that are kept in files of their own are read from there. The error is of type
// Errors and holds every mistake.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, error) {
	root, problem := parseYAML(name, data)
	if problem != nil {
		return nil, Errors{*problem}
	}
	doc := &document{name: name, env: env}
	config := readConfig(doc.value(root, ""))
	if len(doc.errs) > 0 {
		return nil, doc.errs.sort()
	}
	return config, nil
}

// errTooLong says that a file is longer than maxFile.
var errTooLong = errors.New("file is too long")

// errFolder says that a path leads to a folder.
var errFolder = errors.New("is a folder")

// readFile returns what the file holds.
func readFile(path string) (data []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the configuration: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at the configuration: %w", err)
	}
	if info.IsDir() {
		return nil, errFolder
	}
	data, err = io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(data) > maxFile {
		return nil, errTooLong
	}
	return data, nil
}

// unreadable says why the file at path could not be read and what to do.
func unreadable(path string, err error) Error {
	e := Error{File: path, cause: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Message = "there is no such file"
		e.Hint = "write it (rrwatch.example.yaml explains every key) or name another with --config"
	case errors.Is(err, fs.ErrPermission):
		e.Message = "may not be read"
		e.Hint = "let the user that rrwatch runs as read it"
	case errors.Is(err, errFolder):
		e.Message = "is a folder"
		e.Hint = "name the file in it"
	case errors.Is(err, errTooLong):
		e.Message = fmt.Sprintf("is longer than %d bytes", maxFile)
		e.Hint = "is it the configuration?"
	default:
		e.Message = "cannot be read: " + err.Error()
		e.Hint = "check the path and the disk"
	}
	return e
}
