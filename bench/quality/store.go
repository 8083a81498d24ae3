package quality

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fileOf is the file of a case in a store.
func fileOf(dir, name string) string {
	return filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".json")
}

func (r *Result) save(dir string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(fileOf(dir, r.Case), data, 0o644)
}

// Load reads what a store has, in the order of [Cases]; nil for cases that never ran.
func Load(dir string) ([]*Result, error) {
	var out []*Result
	for _, c := range Cases() {
		data, err := os.ReadFile(fileOf(dir, c.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			out = append(out, nil)
			continue
		}
		if err != nil {
			return nil, err
		}
		r := &Result{}
		err = json.Unmarshal(data, r)
		if err == nil && r.Report == nil {
			err = errors.New("it has no report")
		}
		if err != nil {
			return nil, fmt.Errorf("read %s (delete it to measure anew): %w", fileOf(dir, c.Name()), err)
		}
		out = append(out, r)
	}
	return out, nil
}
