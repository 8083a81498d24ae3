package model

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
)

// rowEncoder maps the features of a row to Width channels:
//
//	x0 = dense Wd + sum(codes Wc) + b,   x_k+1 = x_k + relu(norm(x_k) W1 + b1) W2 + b2
//
// with one or more residual blocks k. The residual keeps a linear way for every column
// through the whole network. A copy of a row of a timed table adds te T, with te the age
// of the row at the seed's cut: log(1 + days) / 4, and 0.5 ^ (days / scale) for each
// time scale.
type rowEncoder struct {
	dense, codes, bias *nn.Param // dense and codes are nil for a table without such features
	blocks             []residual
	time               *nn.Param // nil for a table without time
	scales             []float64 // days
}

// residual is one block x + relu(norm(x) W1 + b1) W2 + b2.
type residual struct {
	norm     *nn.LayerNorm
	up, down *nn.Linear
}

func newResidual(set *nn.Set, name string, width int) residual {
	return residual{nn.NewLayerNorm(set, name+".norm", width),
		nn.NewLinear(set, name+".up", width, width), nn.NewLinear(set, name+".down", width, width)}
}

func (r *residual) on(t *tensor.Tape) tensor.ResidualBlock {
	return tensor.ResidualBlock{Gamma: r.norm.Gamma.Var(t), Beta: r.norm.Beta.Var(t),
		Up: r.up.W.Var(t), UpBias: r.up.B.Var(t), Down: r.down.W.Var(t), Bias: r.down.B.Var(t)}
}

func newRowEncoder(set *nn.Set, name string, e *encode.Table, c Config) *rowEncoder {
	r := &rowEncoder{scales: c.TimeScale}
	if e.Dense > 0 {
		r.dense = set.New(name+".dense", e.Dense, c.Width, nn.KaimingUniform)
	}
	if e.Codes > 0 {
		r.codes = set.New(name+".codes", e.Codes, c.Width, nn.Normal(0.1))
	}
	r.bias = set.New(name+".bias", 1, c.Width, nn.Zeros)
	for k := range c.Blocks {
		block := name
		if k > 0 {
			block = fmt.Sprintf("%s.block%d", name, k+1)
		}
		r.blocks = append(r.blocks, newResidual(set, block, c.Width))
	}
	if e.Timed {
		r.time = set.New(name+".time", len(c.TimeScale)+1, c.Width, nn.KaimingUniform)
	}
	return r
}

// rows encodes the given rows of a table, without their ages.
func (r *rowEncoder) rows(t *tensor.Tape, f *encode.Features, rows []int32) *tensor.Var {
	dense, codes, weights := f.Pick(t, rows)
	var x *tensor.Var
	if r.dense != nil {
		x = t.Linear(t.Const(dense), r.dense.Var(t), r.bias.Var(t), tensor.Identity)
	} else {
		x = t.AddBias(t.Const(t.Alloc(len(rows), r.bias.Value.Cols)), r.bias.Var(t))
	}
	if r.codes != nil {
		x = t.Add(x, t.GatherReduceWeighted(r.codes.Var(t), codes, weights))
	}
	blocks := t.ResidualBlocks(len(r.blocks))
	for k := range blocks {
		blocks[k] = r.blocks[k].on(t)
	}
	return t.Residual(x, blocks)
}

func ageDays(micros int64) float64 { return math.Max(0, float64(micros)/dayMicros) }
