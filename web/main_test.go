package web

import (
	"flag"
	"os"
	"testing"
)

// TestMain knows two flags: -update rewrites the golden files, -screenshots
// writes a picture of every page into a folder.
func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite testdata")
	flag.String("screenshots", "", "write a PNG of every page into this folder")
	os.Exit(m.Run())
}
