package quality

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/rowlink/rowlink/bench"
)

// fileOf is the file of a case in a store.
func fileOf(dir, name string) string {
	return filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".json")
}

func (r *Result) save(dir string) error { return bench.Keep(fileOf(dir, r.Case), r) }

// check refuses a file that is no result.
func (r *Result) check() error {
	if r.Report == nil {
		return errors.New("it has no report")
	}
	return nil
}

// Load reads what a store has, in the order of [Cases]; nil for cases that never ran.
func Load(dir string) ([]*Result, error) {
	var out []*Result
	for _, c := range Cases() {
		r, _, err := bench.Kept(fileOf(dir, c.Name()), (*Result).check)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
