package layertable

import (
	"fmt"
	"path/filepath"

	"github.com/rowlink/rowlink/bench"
	"github.com/rowlink/rowlink/gnn/model"
)

// fileOf is the file of a task and a layer in a store.
func fileOf(dir, task, layer string) string { return filepath.Join(dir, task+"-"+layer+".json") }

func (r *Result) save(dir string) error { return bench.Keep(fileOf(dir, r.Task, r.Layer), r) }

// Load reads what a store has of the layers of the registry, by layer and task.
func Load(dir string) (map[string]map[string]*Result, error) {
	out := map[string]map[string]*Result{}
	for _, layer := range model.Layers() {
		out[layer] = map[string]*Result{}
		for _, c := range Cases() {
			r, ok, err := bench.Kept(fileOf(dir, c.Task, layer), func(r *Result) error {
				if r.Layer != layer {
					return fmt.Errorf("it is of the layer %q", r.Layer)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			if ok {
				out[layer][c.Task] = r
			}
		}
	}
	return out, nil
}
