// Package model owns the network as one value: the fitted encoders, the layers and
// the head, with all parameters, bound to a snapshot for use and saved as one file.
package model

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
)

// Extra is the number of inputs of a seed that are no rows: log(1 + days from the
// feature cut to the anchor), and sine and cosine of the anchor's day of the year.
const Extra = 3

// Model is a network for one task over one schema. Its parameters change only in
// training; a trained model is safe for concurrent use.
type Model struct {
	Config  Config
	Entity  string          // entity table
	Types   []string        // node types, by name: the tables of the graph
	Edges   []conv.EdgeType // edge types of the graph
	Encoder []*encode.Table // per node type; nil for types that no hop reaches
	Params  *nn.Set
	Meta    Metadata

	input  []*rowEncoder // per node type; nil like Encoder
	layers []layer
	norm   *nn.LayerNorm
	hidden *nn.Linear
	out    *nn.Linear
	direct *nn.Param
}

// layer is one message-passing step with the edge types it reads and the norms of the
// node types it writes.
type layer struct {
	conv  conv.Layer
	edges []int           // positions in Model.Edges
	norm  []*nn.LayerNorm // per node type; nil in the last layer
}

// New builds a model with fresh parameters drawn from seed. enc holds the fitted
// encoder of each table of g that the fan-out reaches from entity.
func New(c Config, g *graph.Graph, entity int, enc []*encode.Table, seed uint64) (*Model, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("model config: %w", err)
	}
	m := &Model{Config: c, Entity: g.Snap.Tables[entity].Def.FullName(), Encoder: enc}
	for _, t := range g.Snap.Tables {
		m.Types = append(m.Types, t.Def.FullName())
	}
	m.Edges = edgeTypes(g)
	return m, m.build(seed)
}

func edgeTypes(g *graph.Graph) []conv.EdgeType {
	types := make([]string, len(g.Snap.Tables))
	for i, t := range g.Snap.Tables {
		types[i] = t.Def.FullName()
	}
	out := make([]conv.EdgeType, len(g.Edges))
	for i, e := range g.Edges {
		out[i] = conv.EdgeType{Name: edgeName(types, e), Src: e.Src, Dst: e.Dst, Functional: e.Rev}
	}
	return out
}

// edgeName is unique among edge types: source, relation, destination.
func edgeName(types []string, e graph.EdgeType) string {
	return types[e.Src] + "." + e.Name + "." + types[e.Dst]
}

// build creates layers and parameters from Config, Types, Edges and Encoder.
func (m *Model) build(seed uint64) error {
	m.Params = nn.NewSet(seed)
	c := m.Config
	entity := indexOf(m.Types, m.Entity)
	m.input = make([]*rowEncoder, len(m.Types))
	for t, e := range m.Encoder {
		if e != nil {
			m.input[t] = newRowEncoder(m.Params, "input."+m.Types[t], e, c)
		}
	}
	m.layers = nil
	for l := range c.FanOut {
		reach := Reach(m.Edges, len(m.Types), entity, len(c.FanOut)-l-1)
		ly := layer{norm: make([]*nn.LayerNorm, len(m.Types))}
		cfg := conv.Config{Name: fmt.Sprintf("layer%d", l+1), In: c.Width, Out: c.Width, Types: m.Types,
			Aggregate: c.Aggregate, HalfLives: c.HalfLives}
		for i, e := range m.Edges {
			if reach[e.Dst] {
				ly.edges = append(ly.edges, i)
				cfg.Edges = append(cfg.Edges, e)
			}
		}
		if l+1 < len(c.FanOut) {
			for t, ok := range reach {
				if ok {
					n := nn.NewLayerNorm(m.Params, fmt.Sprintf("layer%d.norm.%s", l+1, m.Types[t]), c.Width)
					ly.norm[t] = n
				}
			}
		}
		var err error
		if ly.conv, err = conv.New(c.Layer, cfg, m.Params); err != nil {
			return err
		}
		m.layers = append(m.layers, ly)
	}
	in := c.Width + Extra
	m.norm = nn.NewLayerNorm(m.Params, "head.norm", in)
	m.hidden = nn.NewLinear(m.Params, "head.hidden", in, c.Width)
	m.out = nn.NewLinear(m.Params, "head.out", c.Width, c.Outputs)
	m.direct = m.Params.New("head.direct", in, c.Outputs, nn.KaimingUniform)
	return nil
}

// Reach tells which node types can hold copies up to the given hop from entity.
func Reach(edges []conv.EdgeType, types, entity, hops int) []bool {
	reach := make([]bool, types)
	reach[entity] = true
	for range hops {
		next := append([]bool(nil), reach...)
		for _, e := range edges {
			if reach[e.Dst] {
				next[e.Src] = true
			}
		}
		reach = next
	}
	return reach
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

// String sums the model up in one line.
func (m *Model) String() string {
	var layers []string
	for _, l := range m.layers {
		layers = append(layers, l.conv.String())
	}
	return fmt.Sprintf("%s, fan-out %v %s, %d parameters", strings.Join(layers, " + "), m.Config.FanOut, m.Config.Strategy, m.Params.Count())
}

// rowEncoder maps the features of a row to Width channels:
//
//	x0 = dense Wd + sum(codes Wc) + b,   x = x0 + relu(norm(x0) W1 + b1) W2 + Age(te) T
//
// The residual keeps a linear way for every column through the whole network.
type rowEncoder struct {
	dense, codes, bias *nn.Param
	norm               *nn.LayerNorm
	up, down           *nn.Linear
	time               *nn.Param
}

func newRowEncoder(set *nn.Set, name string, e *encode.Table, c Config) *rowEncoder {
	r := &rowEncoder{}
	if e.Dense > 0 {
		r.dense = set.New(name+".dense", e.Dense, c.Width, nn.KaimingUniform)
	}
	if e.Codes > 0 {
		r.codes = set.New(name+".codes", e.Codes, c.Width, nn.Normal(0.1))
	}
	r.bias = set.New(name+".bias", 1, c.Width, nn.Zeros)
	r.norm = nn.NewLayerNorm(set, name+".norm", c.Width)
	r.up = nn.NewLinear(set, name+".up", c.Width, c.Width)
	r.down = nn.NewLinear(set, name+".down", c.Width, c.Width)
	r.time = set.New(name+".time", len(c.TimeScale)+1, c.Width, nn.KaimingUniform)
	return r
}

func (r *rowEncoder) rows(t *tensor.Tape, n, width int, dense tensor.Mat, codes tensor.CSR, weights []tensor.Real) *tensor.Var {
	x := t.AddBias(t.Const(t.Alloc(n, width)), r.bias.Var(t))
	if r.dense != nil {
		x = t.Add(x, t.MatMul(t.Const(dense), r.dense.Var(t)))
	}
	if r.codes != nil {
		x = t.Add(x, t.GatherReduceWeighted(r.codes.Var(t), codes, weights))
	}
	up := r.up.Apply(t, r.norm.Apply(t, x), tensor.ReLU)
	return t.Add(x, r.down.Apply(t, up, tensor.Identity))
}
