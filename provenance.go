package rowlink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// Provenance says where a version comes from, in its manifest beside task hash, snapshot,
// kernel path, scores and checksums: enough to train it again.
type Provenance struct {
	Text      string    `json:"text"`       // the task's statement
	LabelHash string    `json:"label_hash"` // of its label table
	Source    string    `json:"source"`     // the database, without password
	Seed      uint64    `json:"seed"`
	Settings  *Settings `json:"settings"` // as asked for; zero = the default of the program
	Program   string    `json:"program"`  // version and revision of rowlink, and of Go
	Job       string    `json:"job,omitempty"`
}

// Settings are the options of a training that decide its result.
type Settings struct {
	Model     string        `json:"model"`
	Regime    string        `json:"regime"`
	Ensemble  int           `json:"ensemble"`
	Scan      int           `json:"scan"`
	ValBlocks int           `json:"val_blocks"`
	Refit     bool          `json:"refit"`
	Config    *model.Config `json:"config,omitempty"` // nil where no network is trained
	Epochs    int           `json:"epochs"`
	Patience  int           `json:"patience"`
	Batch     int           `json:"batch"`
	Steps     int           `json:"steps"`
	Rate      float64       `json:"rate"`
	Schedule  string        `json:"schedule"`
	Decay     float64       `json:"decay"`
	Average   float64       `json:"average"`
	Dropout   float64       `json:"dropout"`
	Clip      float64       `json:"clip"`
	Recent    int           `json:"recent"`
	NoHistory bool          `json:"no_history"`
	Stale     bool          `json:"stale"`
	TimeLimit time.Duration `json:"time_limit"` // nanoseconds; with one, the result depends on the machine

	Pretrained   string `json:"pretrained,omitempty"`
	EvalExamples int    `json:"eval_examples,omitempty"`
}

// settings keeps what decides a training's result.
func (o FitOptions) settings(regime string) *Settings {
	t := &o.Train
	config := t.Model
	return &Settings{o.Model, regime, o.Ensemble, o.Scan, o.ValBlocks, o.Refit, &config, t.Epochs, t.Patience, t.Batch, t.Steps, t.Rate, t.Schedule, t.Decay,
		t.Average, t.Dropout, t.Clip, t.Recent, t.NoHistory, t.Stale, t.TimeLimit, o.Pretrained, o.EvalExamples}
}

// program names this build.
func program() string {
	name := "rowlink"
	if info, ok := debug.ReadBuildInfo(); ok {
		name += " " + info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				name += " " + s.Value[:12]
			}
		}
	}
	return name + ", " + runtime.Version()
}

// ProvenanceOf reads where a version comes from.
func ProvenanceOf(v *workspace.Model) (*Provenance, error) {
	var info struct{ Provenance *Provenance }
	if err := json.Unmarshal(v.Info, &info); err != nil {
		return nil, fmt.Errorf("read manifest of version %d of task %s: %w", v.Version, v.Task, err)
	}
	if info.Provenance == nil {
		info.Provenance = &Provenance{}
	}
	return info.Provenance, nil
}

// MissingProvenance names what the manifest of a version does not say; nothing is as it
// should be. Versions of earlier programs say less.
func MissingProvenance(v *workspace.Model) ([]string, error) {
	p, err := ProvenanceOf(v)
	if err != nil {
		return nil, err
	}
	var about versionInfo
	var rows []Row
	about.Rows = &rows
	if err := json.Unmarshal(v.Info, &about); err != nil {
		return nil, fmt.Errorf("read manifest of version %d of task %s: %w", v.Version, v.Task, err)
	}
	served := slices.IndexFunc(rows, func(r Row) bool { return r.Name == about.Served })
	scored := served >= 0 && len(rows[served].Val) > 0 && len(rows[served].Test) > 0
	beside := slices.ContainsFunc(rows, func(r Row) bool { return slices.Contains(baseline.Names(), r.Name) })
	if about.Type == tasks.LinkPrediction { // its baselines are rules
		beside = len(rows) > 1
	}
	var missing []string
	for _, part := range []struct {
		name string
		has  bool
	}{
		{"task text", p.Text != ""}, {"task hash", v.TaskHash != ""}, {"label hash", p.LabelHash != ""}, {"snapshot", v.Snapshot != ""}, {"source", p.Source != ""},
		{"settings", p.Settings != nil}, {"seed", p.Settings != nil}, // a seed may be 0
		{"kernel path", v.Kernels != ""}, {"program", p.Program != ""}, {"metric", about.Metric != ""}, {"scores of what is served", scored}, {"baselines", beside},
	} {
		if !part.has {
			missing = append(missing, part.name)
		}
	}
	return missing, nil
}

// VersionOfJob finds the version that a job made before its process ended without saying
// so, and brings it to the state in which its training would have left it; nil is none.
func VersionOfJob(w *workspace.Workspace, task, job string) (*workspace.Model, error) {
	if job == "" {
		return nil, nil
	}
	versions, err := w.Models(task)
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Backward(versions) {
		p, err := ProvenanceOf(v)
		if err != nil {
			return nil, err
		}
		if p.Job == job {
			return v, promoteFirst(w, task, v.Version)
		}
	}
	return nil, nil
}

// promoteFirst lets prod name a version if it names none.
func promoteFirst(w *workspace.Workspace, task string, version int) error {
	_, err := w.Model(task, workspace.Prod)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = w.Promote(task, fmt.Sprint(version), workspace.Prod)
	}
	return err
}
