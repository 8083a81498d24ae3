package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/workspace"
)

// shardRows is how many entities make a shard of a batch: some seconds of work at most, so
// that an interruption costs no more. A variable for the tests.
var shardRows = 1 << 14

// shardFolder keeps the answers of a batch shard by shard, so that one that was interrupted
// goes on from there. A shard is named by what decides its content; one of anything else
// is answered again.
type shardFolder struct {
	dir    string
	reused int // shards that were there
}

// shardName is everything that decides what a shard holds.
type shardName struct {
	Task     string `json:"task"`
	Version  int    `json:"version"`
	Served   string `json:"served"`
	Snapshot string `json:"snapshot"`
	Anchor   int64  `json:"anchor"` // microseconds UTC
	Own      bool   `json:"own"`    // each row is asked about at its own time
	Kernels  string `json:"kernels"`
	Shard    int    `json:"shard"`
	Rows     string `json:"rows"` // hash of the row numbers
}

// shardFile is a stored shard.
type shardFile struct {
	Name    shardName     `json:"name"`
	Answers []shardAnswer `json:"answers"`
}

type shardAnswer struct {
	Row           int32              `json:"row"`
	Anchor        int64              `json:"anchor"`
	Value         json.RawMessage    `json:"value"`
	Probability   *float64           `json:"probability,omitempty"`
	Probabilities map[string]float64 `json:"probabilities,omitempty"`
	Eligible      bool               `json:"eligible"`
}

// shardValues reads a value as what the task type has; nil is any.
var shardValues = map[string]func(raw json.RawMessage) (any, error){
	tasks.Binary: valueAs[bool], tasks.Regression: valueAs[float64], tasks.Multiclass: valueAs[string], tasks.Multilabel: valueAs[[]string],
	tasks.Forecasting: valueAs[[]float64],
}

func valueAs[T any](raw json.RawMessage) (any, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}

func (p *predictions) shardName(n int, rows []int32) shardName {
	return shardName{p.from.task, p.from.version, p.from.served, p.Snap.ID, p.anchor, p.own, tensor.KernelName(), n, fmt.Sprintf("%016x", tensor.HashString(fmt.Sprint(rows)))}
}

func (s *shardFolder) path(n int) string { return filepath.Join(s.dir, fmt.Sprintf("%06d.json", n)) }

// read returns the answers of a shard if they are there, whole and of that name.
func (s *shardFolder) read(name shardName, taskType string) ([]predict.Prediction, bool) {
	data, err := os.ReadFile(s.path(name.Shard))
	var f shardFile
	if err != nil || json.Unmarshal(data, &f) != nil || f.Name != name || shardValues[taskType] == nil {
		return nil, false
	}
	out := make([]predict.Prediction, len(f.Answers))
	for i, a := range f.Answers {
		v, err := shardValues[taskType](a.Value)
		if err != nil {
			return nil, false
		}
		out[i] = predict.Prediction{Row: a.Row, Anchor: a.Anchor, Value: v, Probability: a.Probability, Probabilities: a.Probabilities, Eligible: a.Eligible}
	}
	return out, true
}

// write keeps the answers of a shard; one with a number that JSON cannot hold is not kept.
func (s *shardFolder) write(name shardName, answers []predict.Prediction) error {
	f := shardFile{Name: name}
	for _, p := range answers {
		if !finite(p) {
			return nil
		}
		raw, err := json.Marshal(p.Value)
		if err != nil {
			return err
		}
		f.Answers = append(f.Answers, shardAnswer{p.Row, p.Anchor, raw, p.Probability, p.Probabilities, p.Eligible})
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return workspace.WriteStream(s.path(name.Shard), func(w io.Writer) error { return json.NewEncoder(w).Encode(f) })
}

// shard answers shard n of the rows, or reads what an earlier process answered.
func (p *predictions) shard(ctx context.Context, n int, rows []int32) ([]predict.Prediction, error) {
	name := p.shardName(n, rows)
	if answers, ok := p.shards.read(name, p.Task.Type); ok {
		p.shards.reused++
		return answers, nil
	}
	answers, err := p.ask(ctx, rows, 0)
	if err != nil {
		return nil, err
	}
	return answers, p.shards.write(name, answers)
}
