package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/tasks"
)

// Like is c with everything that the shapes and meanings of the parameters of a pretrained
// network hang on: it is an error to ask for something else. What only training knows
// (dropout, the plan, vectors of rows) stays as asked for.
func (c Config) Like(pre Config) (Config, error) {
	var faults []error
	for _, f := range []struct {
		name       string
		asked, has any
		set        bool
	}{
		{"layer", c.Layer, pre.Layer, c.Layer != ""}, {"aggregate", c.Aggregate, pre.Aggregate, c.Aggregate != ""},
		{"width", c.Width, pre.Width, c.Width != 0}, {"blocks", c.Blocks, pre.Blocks, c.Blocks != 0},
		{"fan-out", fmt.Sprint(c.FanOut), fmt.Sprint(pre.FanOut), len(c.FanOut) > 0}, {"strategy", c.Strategy, pre.Strategy, c.Strategy != ""},
		{"half-lives", fmt.Sprint(c.HalfLives), fmt.Sprint(pre.HalfLives), len(c.HalfLives) > 0}, {"window", c.Window, pre.Window, c.Window != 0},
	} {
		if f.set && f.asked != f.has {
			faults = append(faults, fmt.Errorf("%s is %v, but the pretrained network has %v", f.name, f.asked, f.has))
		}
	}
	out := pre
	out.Dropout, out.Plan, out.IDs, out.Outputs = c.Dropout, c.Plan, c.IDs, c.Outputs
	return out, errors.Join(faults...)
}

// AdoptEncoders replaces fitted encoders by those of a pretrained network, for tables that
// it reads too and in which the task hides no column.
func AdoptEncoders(enc []*encode.Table, from *Model, g *graph.Graph, task *tasks.Task) {
	for i, e := range enc {
		if e == nil || slices.ContainsFunc(task.Options.Mask, func(c tasks.ColumnRef) bool { return c.Table == i }) {
			continue
		}
		if at := slices.Index(from.Types, g.Snap.Tables[i].Def.FullName()); at >= 0 && from.Encoder[at] != nil {
			enc[i] = from.Encoder[at]
		}
	}
}

// Adopt copies the parameters of a pretrained network that m has too, by name and shape, all
// but the outputs, and returns how many numbers those are.
func (m *Model) Adopt(from *Model) int {
	copied := 0
	for _, p := range m.Params.All() {
		q := from.Params.Get(p.Name)
		if q == nil || q.Value.Rows != p.Value.Rows || q.Value.Cols != p.Value.Cols || strings.HasPrefix(p.Name, "head.out") || p.Name == "head.direct" {
			continue
		}
		copied += copy(p.Value.Data, q.Value.Data)
	}
	return copied
}

// Cells are the encoded cells of rows of a table that the model reads, in memory of the
// tape's step: what pretraining foretells.
func (b *Bound) Cells(t *tensor.Tape, table int, rows []int32) (dense tensor.Mat, codes tensor.CSR, weights []tensor.Real) {
	return b.features[table].Pick(t, rows)
}

// RowVectors are the vectors of rows of a table that the model reads, without ages: rows x
// Width. A row may be named more than once.
func (p *Pass) RowVectors(table int, rows []int32) *tensor.Var {
	return p.bound.input[table].rows(p.tape, p.bound.features[table], rows)
}
