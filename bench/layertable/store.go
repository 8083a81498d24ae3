package layertable

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/gnn/model"
)

// fileOf is the file of a task and a layer in a store.
func fileOf(dir, task, layer string) string { return filepath.Join(dir, task+"-"+layer+".json") }

func (r *Result) save(dir string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(fileOf(dir, r.Task, r.Layer), data, 0o644)
}

// Load reads what a store has of the layers of the registry, by layer and task.
func Load(dir string) (map[string]map[string]*Result, error) {
	out := map[string]map[string]*Result{}
	for _, layer := range model.Layers() {
		out[layer] = map[string]*Result{}
		for _, c := range Cases() {
			path := fileOf(dir, c.Task, layer)
			data, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			r := &Result{}
			if err = json.Unmarshal(data, r); err == nil && r.Layer != layer {
				err = fmt.Errorf("it is of the layer %q", r.Layer)
			}
			if err != nil {
				return nil, fmt.Errorf("read %s (delete it to measure anew): %w", path, err)
			}
			out[layer][c.Task] = r
		}
	}
	return out, nil
}
