// Package tasks owns what is to be predicted: the bound task, label tables with
// their splits, the task types (loss and decoding), and the metrics. The text form
// of a task lives in tasks/tql.
package tasks

import (
	"time"

	"github.com/rowlink/rowlink/ingest"
)

// Task is a bound task: every name is resolved to table, link and column numbers
// of one schema, every default is filled in.
type Task struct {
	Name   string
	Text   string // the statement as the user wrote it
	Hash   string // hash of the canonical statement
	Type   string // name of a registered task type, or [LinkPrediction]
	Entity int    // table number of the entity table

	Top      int       // multilabel: how many of the likeliest classes are answered; 0 = those above one half
	Ranking  *Ranking  // of a link prediction task; nil in others
	Forecast *Forecast // of a forecasting task; nil in others
	Target   Expr      // value at (entity, anchor); its NULL drops the example
	Where    Expr      // nil = every visible entity; computed from rows visible at the anchor only
	Assuming Expr      // nil = none; a condition on the future, checked for labels only

	Raw *Raw // instead of Target, Where and Assuming: labels by SQL; nil for other tasks

	Horizon  Span // largest end offset of the windows of Target and Assuming
	Options  Options
	Reading  string   // the task in words
	Warnings []string // said by the binder, one line each, with their TK code
}

// The task types that are built in.
const (
	Binary     = "binary_classification"
	Regression = "regression"
	Multiclass = "multiclass_classification"
)

// Options are the task options of rule R11 and section 3.1. Instants are microseconds
// UTC. A zero instant, span, count or zone stands for the default, which [Resolve]
// fills in from the data.
type Options struct {
	ValAnchor, TestAnchor int64
	Step                  Span
	EvalAnchors           int
	DataFrom, DataUntil   int64
	TrainAnchors          int  // 0 = all
	NoTest                bool // no test split: TestAnchor only ends the windows of validation
	Zone                  *time.Location
	Regime                Regime // of test rows
	ValRegime             Regime // of validation rows
	Rule                  ingest.TimeRule
	IgnoreEntityTime      bool
	Mask                  []ColumnRef // columns hidden from features
	Metric                string      // empty = the first of the task type
	Seed                  uint64
}

// ColumnRef names a column by table and column number.
type ColumnRef struct{ Table, Column int }

// Regime says up to when the features of an evaluation example may look (rule R20).
type Regime uint8

// The evaluation regimes.
const (
	Rolling Regime = iota // up to the example's own anchor, as in serving
	Frozen                // the database is cut at test_anchor (val_anchor for validation)
)

func (r Regime) String() string { return [...]string{"rolling", "frozen"}[r] }

// Split names the part of the label table that an example belongs to.
type Split uint8

// The splits.
const (
	Train Split = iota
	Val
	Test
)

func (s Split) String() string { return [...]string{"train", "val", "test"}[s] }

// Cut returns the feature cut of an example: no feature of it may look at a row
// that is not visible at the cut (rule R20). Labels and WHERE always follow the anchor.
func (o *Options) Cut(split Split, anchor int64) int64 {
	switch {
	case split == Val && o.ValRegime == Frozen:
		return min(anchor, o.ValAnchor)
	case split == Test && o.Regime == Frozen:
		return min(anchor, o.TestAnchor)
	}
	return anchor
}
