package rowlink

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// Loaded is a stored version of a task, bound to the database's snapshot.
type Loaded struct {
	*predict.Predictor
	Version *workspace.Model
	Report  *Report
	Served  string // name of the predictor that answers
	Scaling *tasks.Scaling
}

// Load reads a stored version of a task and binds it to the snapshot: the named predictor
// of it answers, or with name empty the one that was chosen on validation. ref is a
// version number, an alias, "latest", or empty for prod.
func (d *Database) Load(ctx context.Context, taskName, ref, name string) (*Loaded, error) {
	if d.Workspace == nil {
		return nil, fmt.Errorf("load task %s: the database was opened without a workspace", taskName)
	}
	version, err := d.Workspace.Model(taskName, ref)
	if err != nil {
		return nil, err
	}
	l := &Loaded{Version: version, Report: &Report{}}
	var st stored
	if err := readJSON(version.Path(taskFile), &st); err != nil {
		return nil, err
	}
	if err := readJSON(version.Path(reportFile), l.Report); err != nil {
		return nil, err
	}
	task, dataUntil, err := d.restore(st)
	if err != nil {
		return nil, fmt.Errorf("bind version %d of task %s: %w", version.Version, taskName, err)
	}
	l.Served, l.Scaling = st.Served, st.Scaling
	if name != "" {
		l.Served = name
	}
	g, err := model.Graph(ctx, d.Snap, task, true)
	if err != nil {
		return nil, err
	}
	scorer, err := d.scorer(version, task, g, l)
	if err != nil {
		return nil, fmt.Errorf("load version %d of task %s: %w", version.Version, taskName, err)
	}
	l.Predictor, err = predict.New(d.Snap, task, scorer, st.Scaling.Classes, dataUntil)
	return l, err
}

// restore binds the stored text to the snapshot with the anchors of the training, and
// says how fresh the snapshot is for the task.
func (d *Database) restore(st stored) (task *tasks.Task, dataUntil int64, err error) {
	if task, err = d.Task(st.Text); err != nil {
		return nil, 0, err
	}
	o := &task.Options
	dataUntil = tasks.DataUntil(d.Snap, task)
	o.ValAnchor, o.TestAnchor, o.Step, o.DataFrom = st.Options.ValAnchor, st.Options.TestAnchor, st.Options.Step, st.Options.DataFrom
	for _, r := range []tasks.Regime{tasks.Rolling, tasks.Frozen} {
		if r.String() == st.Options.Regime {
			o.Regime = r
		}
		if r.String() == st.Options.ValRegime {
			o.ValRegime = r
		}
	}
	return task, dataUntil, nil
}

// scorer reads the network or a baseline of a version.
func (d *Database) scorer(v *workspace.Model, task *tasks.Task, g *graph.Graph, l *Loaded) (predict.Scorer, error) {
	pool := tensor.NewPool(d.opt.Threads)
	if l.Served == GNN {
		return d.networks(v, task, g, l, pool)
	}
	states := map[string]json.RawMessage{}
	if err := readJSON(v.Path(baselinesFile), &states); err != nil {
		return nil, err
	}
	state, ok := states[l.Served]
	if !ok {
		known := []string{GNN}
		for _, n := range baseline.Names() {
			known = append(known, n)
		}
		return nil, fmt.Errorf("unknown predictor %q (have %q)", l.Served, known)
	}
	var encoders []*encode.Table
	if err := readJSON(v.Path(encodersFile), &encoders); err != nil {
		return nil, err
	}
	b, err := baseline.Load(l.Served, state, attach(g, task, l.Scaling.Classes, encoders, pool))
	if err != nil {
		return nil, err
	}
	return byBaseline{b}, nil
}

// networks reads the members of the ensemble.
func (d *Database) networks(v *workspace.Model, task *tasks.Task, g *graph.Graph, l *Loaded, pool *tensor.Pool) (predict.Scorer, error) {
	var members predict.Ensemble
	for i := range max(1, l.Report.Ensemble) {
		data, err := os.ReadFile(v.Path(modelFile(i)))
		if err != nil {
			return nil, fmt.Errorf("read model: %w", err)
		}
		m, err := model.Read(data)
		if err != nil {
			return nil, err
		}
		bound, err := m.Bind(g, pool)
		if err != nil {
			return nil, err
		}
		n, err := predict.NewNetwork(bound, task, l.Scaling, pool)
		if err != nil {
			return nil, err
		}
		members = append(members, n)
	}
	return members, nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read version: %s: %w", path, err)
	}
	return nil
}
