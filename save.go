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
	Steps       calibrate.Bands        `json:"intervals_by_step,omitempty"`
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
	r := f.Report
	from := &Provenance{Text: f.Task.Text, LabelHash: r.LabelHash, Source: r.Source, Seed: r.Seed, Settings: f.settings, Program: program(), Job: f.job}
	version, err = newVersion(w, f.Task, versionInfo{r.Served, r.Regime, r.Metric, f.Task.Type, r.Rows, from, r.Snapshot}, f.store)
	if err == nil && f.run != "" {
		err = w.RemoveCheckpoints(f.Task.Name, f.run)
	}
	return version, err
}

// versionInfo is what lists of versions show of one, and of which data it is.
type versionInfo struct {
	Served string `json:"served"`
	Regime string `json:"regime"`
	Metric string `json:"metric"`
	Type   string `json:"type"`
	Rows   any    `json:"rows"`

	Provenance *Provenance `json:"provenance"`

	snapshot string
}

// newVersion stores a task's text and, as a new version, the files that store writes into a
// folder; it promotes the version to prod if the task has none there.
func newVersion(w *workspace.Workspace, task *tasks.Task, about versionInfo, store func(dir string) error) (version int, err error) {
	if err := w.SaveTask(task.Name, task.Text+"\n"); err != nil {
		return 0, err
	}
	v, err := w.NewVersion(task.Name)
	if err != nil {
		return 0, err
	}
	defer v.Discard()
	if err := store(v.Dir); err != nil {
		return 0, err
	}
	info, err := json.Marshal(about)
	if err != nil {
		return 0, fmt.Errorf("store version: %w", err)
	}
	if err := v.Commit(workspace.Manifest{TaskHash: task.Hash, Snapshot: about.snapshot, Kernels: tensor.KernelName(), Info: info}); err != nil {
		return 0, err
	}
	return v.Number, promoteFirst(w, task.Name, v.Number)
}

// store writes the files of a version.
func (f *Fitted) store(dir string) error {
	for i, n := range f.Networks {
		if err := workspace.WriteStream(filepath.Join(dir, modelFile(i)), n.Model.Write); err != nil {
			return err
		}
	}
	for i, n := range f.Scans {
		if err := workspace.WriteStream(filepath.Join(dir, scanFile(i)), n.Model.Write); err != nil {
			return err
		}
	}
	states, err := f.states()
	if err != nil {
		return err
	}
	honest := cmp.Or(f.Report.Honesty, &Honesty{})
	return writeFiles(dir, map[string]any{
		baselinesFile:   states,
		reportFile:      f.Report,
		encodersFile:    f.data.Encoders,
		diagnosticsFile: f.diagnose(),
		taskFile:        stored{f.Task.Text, optionsOf(f.Task), f.Report.scaling, f.Report.Served, f.Report.blend(), honest.Calibration, honest.Interval, honest.Steps},
	})
}

// optionsOf are the options of a task that are stored.
func optionsOf(t *tasks.Task) storedOptions {
	o := &t.Options
	return storedOptions{o.ValAnchor, o.TestAnchor, o.Step, o.DataFrom, o.Regime.String(), o.ValRegime.String()}
}

// writeFiles writes JSON files into a folder.
func writeFiles(dir string, files map[string]any) error {
	for name, content := range files {
		if err := writeJSON(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(path string, v any) error {
	return workspace.WriteStream(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(v)
	})
}
