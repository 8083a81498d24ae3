package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/sink"
)

// batchSpec is everything that decides what a batch holds and where it goes, but for the URL
// of the sink, which has a password.
type batchSpec struct {
	Task     string `json:"task"`
	Version  int    `json:"version"`
	Served   string `json:"served"`
	Snapshot string `json:"snapshot"`
	Anchor   int64  `json:"anchor"` // microseconds UTC
	Own      bool   `json:"own"`    // each row is asked about at its own time
	Rows     int    `json:"rows"`
	PerShard int    `json:"rows_per_shard"`
	Label    string `json:"label,omitempty"` // tells equal batches apart
	Where    string `json:"where,omitempty"`
	Table    string `json:"table,omitempty"`
	Append   bool   `json:"append,omitempty"`
	Folder   string `json:"folder,omitempty"`
}

// run names the batch: equal ones have one name, and are one.
func (s batchSpec) run() string {
	text, _ := json.Marshal(s) // of texts and numbers
	return fmt.Sprintf("%016x", tensor.HashString(string(text)))
}

func (s batchSpec) shards() int { return (s.Rows + s.PerShard - 1) / s.PerShard }

// shardName is how people see a shard.
func (s batchSpec) shardName(shard int) string {
	at := time.UnixMicro(s.Anchor).UTC().Format(time.RFC3339)
	if s.Own {
		at = "own"
	}
	return fmt.Sprintf("%s/%d/%s/%s/%06d", s.Task, s.Version, at, s.run(), shard)
}

// stagedSink takes the rows of a run in shards and shows them all at once.
type stagedSink interface {
	Has(ctx context.Context, shard int) (bool, error)
	Put(ctx context.Context, shard int, m sink.Mark, next func() ([]any, error)) (added bool, err error)
	Publish(ctx context.Context) (sink.Published, error)
	Close() error
}

var _, _ stagedSink = (*sink.StagedTable)(nil), (*sink.StagedFolder)(nil)

// batchRun is a batch that this process works on.
type batchRun struct {
	batchSpec
	model  *storedModel
	p      *predictions
	rows   []int32
	to     stagedSink
	worker string
}

// Close closes the sink and the snapshot.
func (r *batchRun) Close() error {
	err := r.to.Close()
	if e := r.model.db.Close(); err == nil {
		err = e
	}
	return err
}

// stage opens the sink. url is that of a table's database.
func (r *batchRun) stage(ctx context.Context, url string) (err error) {
	var columns []sink.Column
	for _, f := range r.p.fields() {
		columns = append(columns, sink.Column{Name: f.Name, Kind: f.Kind})
	}
	columns = append(columns, sink.Column{Name: "version", Kind: schema.Int})
	spec, err := json.Marshal(r.batchSpec)
	if err != nil {
		return err
	}
	run := sink.Run{ID: r.run(), Shards: r.shards(), Spec: spec}
	if r.Folder != "" {
		r.to, err = sink.StageFolder(r.Folder, run, columns)
		return err
	}
	if url == "" {
		return usage("--to postgres://writer@host/database", "run %s goes to table %s, and no database was named to write it to", run.ID, r.Table)
	}
	r.to, err = sink.StageTable(ctx, url, run, sink.Table{Name: r.Table, Append: r.Append}, columns)
	return err
}

// openBatch opens the model of a batch that another process planned.
func (a *app) openBatch(ctx context.Context, s batchSpec, url, worker string) (*batchRun, error) {
	own := *a
	own.snapshot, own.db = s.Snapshot, ""
	m, err := own.stored(ctx, s.Task, storedFlags{version: fmt.Sprint(s.Version), model: s.Served, rows: rowCache{tensor.Float32.String()}})
	if err != nil {
		return nil, err
	}
	r := &batchRun{batchSpec: s, model: m, worker: worker}
	r.p = &predictions{Predictor: m.Predictor, from: m.origin(), entity: m.Snap.Tables[m.Task.Entity], anchor: s.Anchor, own: s.Own}
	if r.rows, err = r.p.chosen(ctx, nil, true, s.Where); err == nil && len(r.rows) != s.Rows {
		err = dataError{fmt.Errorf("run %s has %d rows, %d are eligible here: is this another workspace?", s.run(), s.Rows, len(r.rows))}
	}
	if err == nil {
		err = r.stage(ctx, url)
	}
	if err != nil {
		m.db.Close()
		return nil, err
	}
	return r, nil
}

// do answers a shard, unless it is in already, and adds it to the sink.
func (r *batchRun) do(ctx context.Context, shard int) (added bool, err error) {
	if in, err := r.to.Has(ctx, shard); in || err != nil {
		return false, err
	}
	begun := time.Now()
	lo := shard * r.PerShard
	answers, err := r.p.ask(ctx, r.rows[lo:min(lo+r.PerShard, len(r.rows))], 0)
	if err != nil {
		return false, err
	}
	part := *r.p
	part.list = make([]predict.Prediction, 0, len(answers))
	for _, one := range answers {
		if finite(one) { // as predict leaves them out
			part.list = append(part.list, one)
		}
	}
	lines := part.lines()
	next := func() ([]any, error) {
		if len(lines) == 0 {
			return nil, nil
		}
		row := part.cells(lines[0])
		lines = lines[1:]
		return append(row, int64(r.Version)), nil
	}
	return r.to.Put(ctx, shard, sink.Mark{Worker: r.worker, Kernels: tensor.KernelName(), Seconds: time.Since(begun).Seconds()}, next)
}

// folder makes the path of a folder one that every process reads the same.
func folder(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	if filepath.Ext(path) != "" {
		return "", usage("--out FOLDER: a Parquet file per shard stands in it; predict writes single files", "--out %s is no folder", path)
	}
	if err := checkOutFolder(path); err != nil {
		return "", err
	}
	return filepath.Abs(path)
}
