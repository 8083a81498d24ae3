package rowlink

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// PretrainOptions configures [Database.Pretrain].
type PretrainOptions struct {
	Name    string // under which the network is stored
	Train   train.Options
	Entity  string   // table whose rows' future is foretold; empty = that of For
	Until   int64    // microseconds UTC: nothing later is read; 0 = the earliest validation anchor of For
	Horizon float64  // days; 0 = the shortest of For, or 30
	For     []string // texts of tasks that shall build on the network
}

// pretrainHorizon is foretold where nothing says how far.
const pretrainHorizon = 30

// Pretrained says how a network was trained without labels.
type Pretrained struct {
	Name    string        `json:"name"`
	Entity  string        `json:"entity"`
	Until   int64         `json:"until"`   // microseconds UTC
	Horizon float64       `json:"horizon"` // days
	Model   string        `json:"model"`
	Weights string        `json:"weights_sha256"`
	Epochs  []train.Epoch `json:"epochs"`
	Seconds float64       `json:"seconds"`
}

// Pretrain trains a network on the database without labels and stores it in the workspace,
// for [FitOptions.Pretrained] to begin with; see [train.Pretrain].
func (d *Database) Pretrain(ctx context.Context, opt PretrainOptions) (*Pretrained, error) {
	if d.Workspace == nil {
		return nil, fmt.Errorf("pretrain %s: the database was opened without a workspace", opt.Name)
	}
	data, err := d.unlabelled(opt)
	if err != nil {
		return nil, err
	}
	opt.Train.Threads = d.opt.Threads
	run := ""
	if opt.Train.Checkpoint == "" {
		o := opt.Train
		o.Threads, o.TimeLimit, o.Resume, o.OnEpoch, o.OnStep = 0, 0, false, nil, nil
		run = fmt.Sprintf("%016x", tensor.HashString(fmt.Sprintf("pretrain %s %s %d %d %g %+v", d.Snap.ID, tensor.KernelName(), data.Entity, data.Until, data.Horizon, o)))
		dir, err := d.Workspace.CheckpointDir(opt.Name, run)
		if err != nil {
			return nil, err
		}
		opt.Train.Checkpoint = filepath.Join(dir, "pretrain")
	}
	r, err := train.Pretrain(ctx, *data, opt.Train)
	if err != nil {
		return nil, err
	}
	if err := d.Workspace.SavePretrained(opt.Name, r.Model.Write); err != nil {
		return nil, err
	}
	if run != "" {
		if err := d.Workspace.RemoveCheckpoints(opt.Name, run); err != nil {
			return nil, err
		}
	}
	return &Pretrained{opt.Name, d.Snap.Tables[data.Entity].Def.FullName(), data.Until, data.Horizon, r.Model.String(), r.Model.WeightsHash(), r.Epochs, r.Elapsed.Seconds()}, nil
}

// unlabelled resolves what is learned from: table, end and horizon, as told or as the tasks
// need them.
func (d *Database) unlabelled(opt PretrainOptions) (*train.Unlabelled, error) {
	u := &train.Unlabelled{Name: opt.Name, Entity: -1, Until: opt.Until, Horizon: opt.Horizon}
	if opt.Entity != "" {
		if u.Entity = d.Snap.Schema.Table(opt.Entity); u.Entity < 0 {
			return nil, &ingest.UserError{Msg: fmt.Sprintf("there is no table %q", opt.Entity), Hint: "rowlink schema lists the tables"}
		}
	}
	for _, text := range opt.For {
		task, err := d.Task(text)
		if err != nil {
			return nil, err
		}
		if err := serve(u, d, task, opt); err != nil {
			return nil, err
		}
	}
	if u.Entity < 0 || u.Until == 0 {
		return nil, &ingest.UserError{Msg: "it is not said whose future to foretell, or until when to learn", Hint: "name tasks that shall build on the network: --for TASK; or --entity TABLE and --until TIME"}
	}
	if u.Horizon == 0 {
		u.Horizon = pretrainHorizon
	}
	var err error
	u.Graph, err = d.links()
	return u, err
}

// serve narrows what is learned from to what a task may build on.
func serve(u *train.Unlabelled, d *Database, task *tasks.Task, opt PretrainOptions) error {
	switch {
	case task.Ranking != nil:
		return &ingest.UserError{Msg: fmt.Sprintf("task %s ranks: no network answers it", task.Name), Hint: "name other tasks"}
	case u.Entity >= 0 && u.Entity != task.Entity:
		return &ingest.UserError{Msg: fmt.Sprintf("task %s asks about %s, not about %s", task.Name, d.Snap.Tables[task.Entity].Def.FullName(), d.Snap.Tables[u.Entity].Def.FullName()),
			Hint: "pretrain a network for each table"}
	case opt.Until > task.Options.ValAnchor:
		return &ingest.UserError{Msg: fmt.Sprintf("--until is after the validation anchor %s of task %s", moment(task.Options.ValAnchor), task.Name), Hint: "leave it out, or choose an earlier one"}
	}
	u.Entity, u.Rule = task.Entity, task.Options.Rule
	if opt.Until == 0 && (u.Until == 0 || task.Options.ValAnchor < u.Until) {
		u.Until = task.Options.ValAnchor
	}
	if h := task.Pace(); opt.Horizon == 0 && (u.Horizon == 0 || h < u.Horizon) {
		u.Horizon = h
	}
	return nil
}

// pretrained reads a network to begin with; nil where none is named.
func (d *Database) pretrained(name string) (*model.Model, error) {
	if name == "" {
		return nil, nil
	}
	if d.Workspace == nil {
		return nil, fmt.Errorf("pretrained network %s: the database was opened without a workspace", name)
	}
	data, err := d.Workspace.Pretrained(name)
	if err != nil {
		return nil, err
	}
	m, err := model.Read(data)
	if err != nil {
		return nil, fmt.Errorf("pretrained network %s: %w", name, err)
	}
	return m, nil
}

// Text prints the losses for people.
func (p *Pretrained) Text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "pretrained network %s of table %s: until %s, horizon %g days\n%s\n", p.Name, p.Entity, moment(p.Until), p.Horizon, p.Model)
	first, last := p.Epochs[0], p.Epochs[len(p.Epochs)-1]
	fmt.Fprintf(&b, "loss %.4f after the first of %d epochs, %.4f after the last\n\n", first.Loss, len(p.Epochs), last.Loss)
	fmt.Fprintf(&b, "%.2f s/epoch, %.0f seeds/s, %.1f s in all, weights %.12s\n", last.Seconds, float64(last.Seeds)/last.Seconds, p.Seconds, p.Weights)
	_, err := io.WriteString(w, b.String())
	return err
}
