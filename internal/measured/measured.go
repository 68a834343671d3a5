// Package measured finds the tables, traces and dumps that tests hold the models to.
// They lie in shared/data beside the project's folder and are no part of it.
package measured

import (
	"os"
	"path/filepath"
	"testing"
)

// Root is the project's folder: the nearest one above the test that holds go.mod.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// Path is a file or folder of the shared data, named by slashes. A test whose data is
// absent is skipped.
func Path(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Root(t), "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared data absent: %s", name)
	}
	return path
}
