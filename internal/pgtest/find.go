package pgtest

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MissingError says that no Postgres server programs were found, and how to get them.
type MissingError struct {
	Looked []string // folders and patterns that were searched
}

func (e *MissingError) Error() string {
	return "no Postgres server programs (initdb, postgres) found in " + strings.Join(e.Looked, ", ") +
		"; install them with: apt-get install postgresql (Debian, Ubuntu) or brew install postgresql@16 (macOS), or set " +
		Env + " to the URL of a superuser on a throw-away server"
}

// patterns are the folders where packages put the server programs when they are
// not on the PATH; the number in them is the version.
var patterns = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // PGDG on Red Hat
	"/usr/libexec/postgresql*",  // Alpine
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	"/Library/PostgreSQL/*/bin",
}

// binaries returns the folder that holds initdb and postgres: the one on the PATH,
// else the one that pg_config names, else the newest of the usual places.
func binaries() (string, error) {
	missing := &MissingError{Looked: []string{"PATH"}}
	if p, err := exec.LookPath("initdb"); err == nil {
		// The link in PATH may lack its neighbours; the program itself has them.
		if real, err := filepath.EvalSymlinks(p); err == nil && complete(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
		if complete(filepath.Dir(p)) {
			return filepath.Dir(p), nil
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dir := strings.TrimSpace(string(out))
		if complete(dir) {
			return dir, nil
		}
		missing.Looked = append(missing.Looked, dir)
	}
	if dir := newest(patterns); dir != "" {
		return dir, nil
	}
	missing.Looked = append(missing.Looked, patterns...)
	return "", missing
}

// newest returns the complete folder with the highest version number, or "".
func newest(patterns []string) string {
	var have []string
	for _, p := range patterns {
		found, _ := filepath.Glob(p) // the patterns are well-formed
		for _, dir := range found {
			if complete(dir) {
				have = append(have, dir)
			}
		}
	}
	if len(have) == 0 {
		return ""
	}
	return slices.MaxFunc(have, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
}

var number = regexp.MustCompile(`\d+(\.\d+)?`)

// version reads the last number in a path: 16 of /usr/lib/postgresql/16/bin.
func version(dir string) float64 {
	all := number.FindAllString(dir, -1)
	if len(all) == 0 {
		return 0
	}
	v, _ := strconv.ParseFloat(all[len(all)-1], 64) // the pattern admits numbers only
	return v
}

func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.IsDir() {
			return false
		}
	}
	return true
}
