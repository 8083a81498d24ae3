package rowlink

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/baseline"
	"github.com/rowlink/rowlink/tabular/blend"
	"github.com/rowlink/rowlink/tabular/calibrate"
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

	db          *Database
	mixed       *blend.Blend           // nil where the version has none
	calibration *calibrate.Calibration // of what answers; nil where it answers as it is
	bands       calibrate.Bands        // around what the version serves; nil where it has none
	graph       *graph.Graph

	rows   map[string]*predict.Network // networks that hold rows, by the name of their file
	before *Loaded                     // while loading: see LoadAfter
}

// Load reads a stored version of a task and binds it to the snapshot: the named predictor
// of it answers, or with name empty the one that was chosen on validation. ref is a
// version number, an alias, "latest", or empty for prod.
func (d *Database) Load(ctx context.Context, taskName, ref, name string) (*Loaded, error) {
	return d.LoadAfter(ctx, nil, taskName, ref, name)
}

// LoadAfter is [Database.Load] where the same version was loaded over an earlier snapshot of
// the database, which must stay open meanwhile: rows that have not changed are taken from its
// networks instead of being encoded anew. No answer depends on before, which may be nil.
func (d *Database) LoadAfter(ctx context.Context, before *Loaded, taskName, ref, name string) (*Loaded, error) {
	if d.Workspace == nil {
		return nil, fmt.Errorf("load task %s: the database was opened without a workspace", taskName)
	}
	version, err := d.Workspace.Model(taskName, ref)
	if err != nil {
		return nil, err
	}
	l := &Loaded{Version: version, Report: &Report{}, db: d, rows: map[string]*predict.Network{}, before: before}
	defer func() { l.before = nil }() // lets go of the earlier snapshot
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
	l.Served, l.Scaling, l.mixed = st.Served, st.Scaling, st.Blend
	if name != "" {
		l.Served = name
	}
	links, err := d.links()
	if err != nil {
		return nil, err
	}
	if l.graph, err = model.GraphOver(ctx, links, task, true); err != nil {
		return nil, err
	}
	if l.Predictor, err = predict.New(d.Snap, task, nil, st.Scaling.Classes, dataUntil); err != nil {
		return nil, err
	}
	if l.Predictor.Scorer, err = l.ScorerOf(ctx, l.Served); err != nil {
		return nil, err
	}
	return l, l.putRight(st)
}

// putRight takes over how the answers of what is served are put right. Another predictor of
// the version answers as it is.
func (l *Loaded) putRight(st stored) error {
	if c := st.Calibration; c != nil {
		if err := c.Check(max(1, len(st.Scaling.Classes))); err != nil {
			return fmt.Errorf("%s: %w", taskFile, err)
		}
	}
	bands := st.Steps
	if st.Interval != nil {
		bands = calibrate.Bands{st.Interval}
	}
	if frames := l.Task.Frames(); bands != nil && len(bands) != frames {
		return fmt.Errorf("%s: %d intervals for %d timeframes", taskFile, len(bands), frames)
	}
	if err := bands.Check(); err != nil {
		return fmt.Errorf("%s: %w", taskFile, err)
	}
	if l.Served == st.Served {
		l.calibration, l.bands = st.Calibration, bands
		l.Scorer = calibrateScorer(l.Scorer, l.calibration)
	}
	return nil
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

// ScorerOf reads another predictor of the version: [GNN], [Scan] or a baseline. An unknown name
// is an [ingest.UserError].
func (l *Loaded) ScorerOf(ctx context.Context, name string) (predict.Scorer, error) {
	s, err := l.read(ctx, name, tensor.NewPool(l.db.opt.Threads))
	if err != nil {
		return nil, fmt.Errorf("load version %d of task %s: %w", l.Version.Version, l.Version.Task, err)
	}
	return s, nil
}

func (l *Loaded) read(ctx context.Context, name string, pool *tensor.Pool) (predict.Scorer, error) {
	switch name {
	case GNN:
		return l.networks(ctx, max(1, l.Report.Ensemble), modelFile, pool)
	case Scan:
		if l.Report.Scans == 0 {
			return nil, &ingest.UserError{Msg: "the version has no networks of the layer scan beside its own", Hint: "train again with --scan 1, or name one of " + strings.Join(predictors(), ", ")}
		}
		return l.networks(ctx, l.Report.Scans, scanFile, pool)
	case Blend:
		return l.blend(ctx, pool)
	}
	b, err := l.baseline(name, pool)
	if err != nil {
		return nil, err
	}
	return scorerOf(b), nil
}

// baseline reads a baseline of the version.
func (l *Loaded) baseline(name string, pool *tensor.Pool) (baseline.Baseline, error) {
	states := map[string]json.RawMessage{}
	if err := readJSON(l.Version.Path(baselinesFile), &states); err != nil {
		return nil, err
	}
	state, ok := states[name]
	if !ok {
		return nil, &ingest.UserError{Msg: fmt.Sprintf("unknown predictor %q", name), Hint: "have " + strings.Join(predictors(), ", ")}
	}
	var encoders []*encode.Table
	if err := readJSON(l.Version.Path(encodersFile), &encoders); err != nil {
		return nil, err
	}
	data := attach(l.graph, l.Task, l.Scaling.Classes, encoders, pool)
	data.Whole = l.db.part.Whole
	return baseline.Load(name, state, data)
}

// blend reads the predictors that the version's blend averages.
func (l *Loaded) blend(ctx context.Context, pool *tensor.Pool) (predict.Scorer, error) {
	if l.mixed == nil {
		return nil, &ingest.UserError{Msg: "the version has no blend: on validation one predictor alone was best", Hint: "leave out --model, or name one of " + strings.Join(predictors(), ", ")}
	}
	if err := l.mixed.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", taskFile, err)
	}
	var members []predict.Scorer
	for _, name := range l.mixed.Names {
		if name == Blend {
			return nil, fmt.Errorf("%s: a blend of itself", taskFile)
		}
		m, err := l.read(ctx, name, pool)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return newBlended(l.mixed, members), nil
}

// networks reads the members of an ensemble.
func (l *Loaded) networks(ctx context.Context, count int, file func(i int) string, pool *tensor.Pool) (predict.Scorer, error) {
	var members predict.Ensemble
	var like model.BoundNetwork
	for i := range count {
		data, err := os.ReadFile(l.Version.Path(file(i)))
		if err != nil {
			return nil, fmt.Errorf("read model: %w", err)
		}
		bound, err := l.bind(data, file(i), like, pool)
		if err != nil {
			return nil, err
		}
		like = bound
		n, err := predict.Of(bound, l.Task, l.Scaling, pool)
		if err != nil {
			return nil, err
		}
		if err := l.hold(ctx, file(i), n, count); err != nil {
			return nil, err
		}
		members = append(members, n)
	}
	return members, nil
}

// bind binds a network to the rows of the database, or of the part that there is of it.
func (l *Loaded) bind(data []byte, file string, like model.BoundNetwork, pool *tensor.Pool) (model.BoundNetwork, error) {
	if scan := l.db.part.Scan; scan != nil {
		return predict.ReadPart(data, l.graph, l.Task, scan(l.graph, file), pool)
	}
	return predict.Read(data, l.graph, l.Task, like, pool)
}

// hold lets a network, one of count, hold rows: those that the same network held over an
// earlier snapshot are taken over at once.
func (l *Loaded) hold(ctx context.Context, file string, m predict.Member, count int) error {
	opt := l.db.opt.rowCache(count)
	n, ok := m.(*predict.Network)
	if !ok {
		return m.CacheRows(ctx, opt)
	}
	l.rows[file] = n
	if l.before != nil && l.before.rows[file] != nil {
		opt.Like = l.before.rows[file].Rows()
		opt.Eager = opt.Eager || opt.Like != nil
	}
	return n.CacheRows(ctx, opt)
}

// RowsEncoded is how many rows were encoded for the tables that the version's networks hold,
// besides those that it took over from an earlier snapshot.
func (l *Loaded) RowsEncoded() int {
	sum := 0
	for _, n := range l.rows {
		sum += n.RowsEncoded()
	}
	return sum
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
