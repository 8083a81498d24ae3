// Package testdata finds the reference data that tests compare with: real
// databases, golden values and peers' scripts. They stay outside the repository.
package testdata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Env names the folder that holds golden/ and data/.
const Env = "ROWLINK_TESTDATA"

// Dir returns the folder of reference data: $ROWLINK_TESTDATA, else the folder
// "shared" beside the repository. The test is skipped when neither exists.
func Dir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv(Env); dir != "" {
		return dir
	}
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "..", "..", "shared")
	if _, err := os.Stat(filepath.Join(dir, "golden")); err != nil {
		t.Skipf("no reference data: set %s to the folder that holds golden/ and data/", Env)
	}
	return dir
}

// Path returns the path of a file below [Dir] and skips the test when it is missing.
func Path(t testing.TB, elem ...string) string {
	t.Helper()
	p := filepath.Join(append([]string{Dir(t)}, elem...)...)
	if _, err := os.Stat(p); err != nil {
		t.Skipf("no reference file %s", filepath.Join(elem...))
	}
	return p
}
