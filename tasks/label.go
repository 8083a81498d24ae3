package tasks

import (
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/ingest"
)

// LabelTable is a task's examples in the order (anchor, entity row), column-wise.
// All slices have one slot per example.
type LabelTable struct {
	Task    *Task
	Entity  []int32 // row of the entity table
	Anchor  []int64 // microseconds UTC
	Split   []Split
	Label   []float64 // binary: 0 or 1; regression: the value; multiclass: position in Classes
	Classes []string  // multiclass: the classes seen in training, sorted; else nil
	// Link prediction: the rows that came true for example i are Item[ItemStart[i]:ItemStart[i+1]],
	// ascending, and Label[i] is their number. Else nil.
	ItemStart, Item []int32
	// Forecasting: the labels of all timeframes, examples x timeframes, row-major; Label[i] is
	// that of the first. Else nil. See [LabelTable.Truth].
	Series []float64
	Report LabelReport

	entity, items *ingest.Table // for the keys in the hash; nil in tables made elsewhere
}

// LabelReport says how the label table came about, for people and for checks.
type LabelReport struct {
	Entities    string // name of the entity table
	EntityRows  int
	Anchors     [3]int   // grid anchors per split
	WithRows    [3]int   // of these, anchors with at least one example
	First, Last [3]int64 // first and last grid anchor per split
	Examples    [3]int
	Mean        [3]float64 // of the labels; 0 without examples and for classes

	Pairs       int // (entity, anchor) pairs looked at
	NotVisible  int // entity row not visible at its anchor
	FrozenOut   int // entities not visible at the frozen cut
	WhereFalse  int
	Unassumed   int // ASSUMING not true
	Skipped     int // ON EMPTY SKIP
	NullLabel   int // target NULL or unknown
	EmptyNull   int // of these, no aggregate of the target had a row in its window
	UnseenClass int // val and test rows whose class training never saw

	NoLabel    int // pairs of ENTITIES that the SQL gave no label for
	Unknown    int // labels that SQL gave for keys that the snapshot does not have
	EmptyLabel int // examples whose label is what empty windows give
	NoTime     int // rows without time, of the entity table and of aggregated ones that are timed
	Dangling   int // NULL or dangling references on the paths
	Incomplete int // anchors without a complete label window
	Overlap    int // anchors whose window reaches into the next split
	Warnings   []string
}

// Rows returns the positions of the examples of one split, in order.
func (l *LabelTable) Rows(s Split) []int {
	var out []int
	for i, have := range l.Split {
		if have == s {
			out = append(out, i)
		}
	}
	return out
}

// Items returns the rows that came true for example i of a link prediction task.
func (l *LabelTable) Items(i int) []int32 { return l.Item[l.ItemStart[i]:l.ItemStart[i+1]] }

// Text prints the label of example i: the number, those of the timeframes separated by "|", the class, or the keys of the rows that
// came true, separated by "|".
func (l *LabelTable) Text(i int) string {
	switch {
	case l.ItemStart != nil:
		var keys []string
		for _, row := range l.Items(i) {
			keys = append(keys, l.itemKey(row))
		}
		return strings.Join(keys, "|")
	case l.Task.Type == Multilabel:
		return strings.Join(LabelSet(l.Label[i], l.Classes), "|")
	case l.Classes != nil:
		return l.Classes[int(l.Label[i])]
	}
	var parts []string
	for _, y := range l.Truth(i) {
		parts = append(parts, strconv.FormatFloat(y, 'g', -1, 64))
	}
	return strings.Join(parts, "|")
}

// itemKey is the key of a ranked row, the number of the row in tables made elsewhere.
func (l *LabelTable) itemKey(row int32) string {
	if l.items == nil {
		return strconv.Itoa(int(row))
	}
	return keyText(l.items, row)
}

// Cut returns the feature cut of example i.
func (l *LabelTable) Cut(i int) int64 { return l.Task.Options.Cut(l.Split[i], l.Anchor[i]) }
