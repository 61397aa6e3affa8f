package main_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines     = 400
	maxTestFuncLines = 100 // the linter holds all other functions to 60
)

// goFile is one Go file of this repository.
type goFile struct {
	path   string // from the repository's root, with slashes
	text   []byte
	fset   *token.FileSet
	syntax *ast.File
}

func (f goFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

func TestEveryPackageSaysOnceWhatItDoes(t *testing.T) {
	comments := map[string][]string{} // the files with a package comment, by folder
	names := map[string]string{}
	for _, f := range goFiles(t) {
		if f.test() {
			if f.syntax.Doc != nil {
				t.Errorf("%s: a test file has a package comment; the package's own file has it", f.path)
			}
			continue
		}
		dir := path.Dir(f.path)
		names[dir] = f.syntax.Name.Name
		if f.syntax.Doc == nil {
			continue
		}
		comments[dir] = append(comments[dir], f.path)
		if why := badPackageComment(f.syntax.Doc.Text(), f.syntax.Name.Name, path.Base(dir)); why != "" {
			t.Errorf("%s: %s", f.path, why)
		}
	}
	for dir, name := range names {
		if n := len(comments[dir]); n != 1 {
			t.Errorf("%s: package %s has %d package comments, want one: %v", dir, name, n, comments[dir])
		}
	}
}

func TestAPackageCommentNeedsItsNameAndAVerb(t *testing.T) {
	for _, c := range []struct {
		text, name, folder string
		good               bool
	}{
		{"Package probe asks one address one question.\n", "probe", "probe", true},
		{"Package store remembers: the journal and its views.\n", "store", "store", true},
		{"Command rrwatch watches sites.\n", "main", "rrwatch", true},
		{"Package probe is for probing.\n", "probe", "probe", false},
		{"Package probe provides things.\n", "monitor", "monitor", false},
		{"Probe asks.\n", "probe", "probe", false},
		{"Package probe the\n", "probe", "probe", false},
	} {
		if why := badPackageComment(c.text, c.name, c.folder); (why == "") != c.good {
			t.Errorf("%q: good is %v, want %v (%s)", c.text, why == "", c.good, why)
		}
	}
}

// badPackageComment says what is wrong with a package comment, or nothing. A command is called by its folder's name.
func badPackageComment(text, name, folder string) string {
	want := "Package " + name
	if name == "main" {
		want = "Command " + folder
	}
	rest, ok := strings.CutPrefix(text, want+" ")
	if !ok {
		return "the package comment does not begin with " + want
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if verb = strings.TrimRight(verb, ",:"); verb == "is" || !strings.HasSuffix(verb, "s") {
		return "the package comment does not say what the package does: " + want + " <verb>s …"
	}
	return ""
}

func TestNoTestSleepsForReal(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.test() || topFolder(f.path) == "lab" || f.imports("testing/synctest") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok || call.Sel.Name != "Sleep" {
				return true
			}
			if x, ok := call.X.(*ast.Ident); ok && x.Name == "time" {
				t.Errorf("%s: time.Sleep in a test: wait for the thing itself, or use testing/synctest", f.fset.Position(n.Pos()))
			}
			return true
		})
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, f := range goFiles(t) {
		if n := bytes.Count(f.text, []byte("\n")); n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: give a part of it a file and a name of its own", f.path, n, maxFileLines)
		}
	}
}

func TestTestFunctionsAreShort(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.test() {
			continue
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1; n > maxTestFuncLines {
				t.Errorf("%s: %s has %d lines, more than %d", f.path, fn.Name.Name, n, maxTestFuncLines)
			}
		}
	}
}

// Where packages come from is the machine's own setting: a host that is written down here breaks the build behind
// a mirror.
func TestNoFileNamesAPackageRegistry(t *testing.T) {
	hosts := [][]byte{ // each in two pieces, or this file would name them
		[]byte("proxy." + "golang.org"), []byte("sum." + "golang.org"),
		[]byte("registry." + "npmjs.org"), []byte("registry." + "yarnpkg.com"),
		[]byte("pypi." + "org"), []byte("docker." + "io"), []byte("ghcr." + "io"), []byte("quay." + "io"),
		[]byte("gcr." + "io"), []byte("deb." + "debian.org"), []byte("archive." + "ubuntu.com"),
	}
	walk(t, func(name string, text []byte) {
		for _, h := range hosts {
			if bytes.Contains(text, h) {
				t.Errorf("%s names the package registry %s; leave the host to the machine's settings", name, h)
			}
		}
	})
}

func (f goFile) imports(pkg string) bool {
	return slices.ContainsFunc(f.syntax.Imports, func(s *ast.ImportSpec) bool {
		return s.Path.Value == `"`+pkg+`"`
	})
}

// goFiles parses every Go file of this repository that is not test data.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	fset := token.NewFileSet()
	walk(t, func(name string, text []byte) {
		if path.Ext(name) != ".go" || slices.Contains(strings.Split(name, "/"), "testdata") {
			return
		}
		syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("parse: %v", err)
		}
		files = append(files, goFile{path: name, text: text, fset: fset, syntax: syntax})
	})
	if len(files) == 0 {
		t.Fatal("found no Go file: are these tests still two folders below the repository's root?")
	}
	return files
}

// walk hands over every file of this repository by its path from the root.
func walk(t *testing.T, visit func(name string, text []byte)) {
	t.Helper()
	root := os.DirFS(filepath.Join("..", ".."))
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "node_modules"}, name):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		visit(name, text)
		return nil
	})
	if err != nil {
		t.Fatalf("read the repository's files: %v", err)
	}
}
