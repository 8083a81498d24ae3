package tql

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/internal/testdata"
)

var codeText = regexp.MustCompile(`TK\d{3}`)

// notGiven are the codes of the catalogue that nothing gives, each with the reason.
var notGiven = map[string]string{
	"TK178": "a ranking without window is TK114, one over a table without time TK130, as any target",
	"TK222": "a key with duplicates is refused when the data is read, by name and row",
}

// TestCodes demands that every message code that the program gives occurs in a test, and
// that every code of the reference's catalogue is given by something.
func TestCodes(t *testing.T) {
	given, tested := map[string]string{}, map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != "../.." && (strings.HasPrefix(name, ".") || name == "node_modules") {
			return filepath.SkipDir
		}
		test := strings.HasSuffix(path, "_test.go") && filepath.Base(path) != "codes_test.go" || strings.Contains(path, "testdata/") && !d.IsDir() || filepath.Base(path) == "language.md"
		if !test && !strings.HasSuffix(path, ".go") || filepath.Base(path) == "codes_test.go" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, code := range codeText.FindAllString(string(data), -1) {
			if test {
				tested[code] = true
			} else {
				given[code] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(given) < 80 {
		t.Fatalf("%d codes are given: is this the source?", len(given))
	}
	for code, path := range given {
		if !tested[code] {
			t.Errorf("%s of %s occurs in no test", code, path)
		}
	}
	reference, err := os.ReadFile(testdata.Path(t, "reference", "task-language.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, catalogue, _ := strings.Cut(string(reference), "\n## 6. Messages")
	catalogue, _, _ = strings.Cut(catalogue, "\n## 7. ")
	all := codeText.FindAllString(catalogue, -1)
	slices.Sort(all)
	for _, code := range slices.Compact(all) {
		if _, ok := given[code]; !ok && notGiven[code] == "" {
			t.Errorf("%s of the catalogue is given by nothing", code)
		} else if ok && notGiven[code] != "" {
			t.Errorf("%s is given by %s, but said not to be", code, given[code])
		}
	}
}
