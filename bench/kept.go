package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Keep writes a result as JSON into a file, whose folder is made.
func Keep(path string, result any) error {
	data, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// Kept reads a result that was kept; false where there is none. What check refuses is an
// error that names the file.
func Kept[T any](path string, check func(*T) error) (*T, bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	out := new(T)
	if err = json.Unmarshal(data, out); err == nil {
		err = check(out)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s (delete it to measure anew): %w", path, err)
	}
	return out, true, nil
}
