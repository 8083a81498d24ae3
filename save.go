package rowlink

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/tabular/blend"
	"github.com/rowlink/rowlink/tabular/calibrate"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// The files of a model version.
const (
	baselinesFile = "baselines.json"
	reportFile    = "report.json"
	taskFile      = "task.json"
	encodersFile  = "encoders.json" // of the tables that the baselines read
)

// modelFile names the file of ensemble member i, from 0.
func modelFile(i int) string {
	if i == 0 {
		return "model.safetensors"
	}
	return fmt.Sprintf("model-%d.safetensors", i+1)
}

// scanFile names the file of network i of the layer scan, from 0.
func scanFile(i int) string { return fmt.Sprintf("scan-%d.safetensors", i+1) }

// stored is the content of task.json: the task with every default that the data gave, so
// that a later snapshot binds it to the same anchors.
type stored struct {
	Text    string         `json:"text"`
	Options storedOptions  `json:"options"`
	Scaling *tasks.Scaling `json:"scaling"`
	Served  string         `json:"served"`
	Blend   *blend.Blend   `json:"blend,omitempty"`

	Calibration *calibrate.Calibration `json:"calibration,omitempty"` // of what is served
	Interval    *calibrate.Interval    `json:"interval,omitempty"`
}

// storedOptions are the resolved options that decide what history and statistics mean.
type storedOptions struct {
	ValAnchor  int64      `json:"val_anchor"`
	TestAnchor int64      `json:"test_anchor"`
	Step       tasks.Span `json:"step"`
	DataFrom   int64      `json:"data_from"`
	Regime     string     `json:"regime"`
	ValRegime  string     `json:"val_regime"`
}

// Save stores the task's text and the fitted predictors as a new version, and promotes
// it to prod if the task has none there.
func (f *Fitted) Save(w *workspace.Workspace) (version int, err error) {
	if err := w.SaveTask(f.Task.Name, f.Task.Text+"\n"); err != nil {
		return 0, err
	}
	v, err := w.NewVersion(f.Task.Name)
	if err != nil {
		return 0, err
	}
	defer v.Discard()
	for i, n := range f.Networks {
		if err := workspace.WriteStream(filepath.Join(v.Dir, modelFile(i)), n.Model.Write); err != nil {
			return 0, err
		}
	}
	for i, n := range f.Scans {
		if err := workspace.WriteStream(filepath.Join(v.Dir, scanFile(i)), n.Model.Write); err != nil {
			return 0, err
		}
	}
	states, err := f.states()
	if err != nil {
		return 0, err
	}
	o, honest := &f.Task.Options, cmp.Or(f.Report.Honesty, &Honesty{})
	files := map[string]any{
		baselinesFile: states,
		reportFile:    f.Report,
		encodersFile:  f.data.Encoders,
		taskFile: stored{f.Task.Text, storedOptions{o.ValAnchor, o.TestAnchor, o.Step, o.DataFrom, o.Regime.String(), o.ValRegime.String()},
			f.Report.scaling, f.Report.Served, f.Report.blend(), honest.Calibration, honest.Interval},
	}
	for name, content := range files {
		if err := writeJSON(filepath.Join(v.Dir, name), content); err != nil {
			return 0, err
		}
	}
	info, err := json.Marshal(map[string]any{"served": f.Report.Served, "regime": f.Report.Regime, "metric": f.Report.Metric, "type": f.Task.Type, "rows": f.Report.Rows})
	if err != nil {
		return 0, fmt.Errorf("store version: %w", err)
	}
	if err := v.Commit(workspace.Manifest{TaskHash: f.Task.Hash, Snapshot: f.Report.Snapshot, Kernels: tensor.KernelName(), Info: info}); err != nil {
		return 0, err
	}
	if f.run != "" {
		if err := w.RemoveCheckpoints(f.Task.Name, f.run); err != nil {
			return 0, err
		}
	}
	if _, err := w.Model(f.Task.Name, workspace.Prod); err != nil {
		if _, err := w.Promote(f.Task.Name, fmt.Sprint(v.Number), workspace.Prod); err != nil {
			return 0, err
		}
	}
	return v.Number, nil
}

func writeJSON(path string, v any) error {
	return workspace.WriteStream(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(v)
	})
}
