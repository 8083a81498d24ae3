// Package model owns the network as one value: the fitted encoders, the layers and
// the head, with all parameters, bound to a snapshot for use and saved as one file.
package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/nn"
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
	far    []int // edge types, functional, that lead to the far ends of routes
	norm   *nn.LayerNorm
	hidden *nn.Linear
	out    *nn.Linear
	direct *nn.Param
}

// layer is one message-passing step with the edge types it reads and the norms of the
// node types it writes.
type layer struct {
	conv   conv.Layer
	edges  []int           // positions in Model.Edges
	routes []int           // per route of the layer: position in Model.far
	norm   []*nn.LayerNorm // per node type; nil in the last layer
}

// New builds a model with fresh parameters drawn from seed. enc holds the fitted
// encoder of each table of g that the fan-out reaches from entity; others are left out.
func New(c Config, g *graph.Graph, entity int, enc []*encode.Table, seed uint64) (*Model, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("model config: %w", err)
	}
	m := &Model{Config: c, Edges: EdgeTypes(g), Encoder: slices.Clone(enc)}
	for _, t := range g.Snap.Tables {
		m.Types = append(m.Types, t.Def.FullName())
	}
	m.Entity = m.Types[entity]
	for t, ok := range c.reach(m.Edges, len(m.Types), entity) {
		if !ok && t < len(m.Encoder) {
			m.Encoder[t] = nil
		}
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, m.build(seed)
}

// EdgeTypes names the edge types of g: source, relation, destination. Names are
// unique: where a table has two links of the same columns to one parent, the later
// ones are numbered.
func EdgeTypes(g *graph.Graph) []conv.EdgeType {
	out := make([]conv.EdgeType, len(g.Edges))
	seen := map[string]int{}
	for i, e := range g.Edges {
		name := g.Label(i)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s #%d", name, seen[name])
		}
		out[i] = conv.EdgeType{Name: name, Src: e.Src, Dst: e.Dst, Functional: e.Rev}
	}
	return out
}

// check says what does not fit together in config, types, edges and encoders.
func (m *Model) check() error {
	if err := m.Config.validate(); err != nil {
		return err
	}
	entity := slices.Index(m.Types, m.Entity)
	if entity < 0 || len(m.Encoder) != len(m.Types) {
		return fmt.Errorf("model has %d node types, %d encoders and the entity %q, which do not fit together", len(m.Types), len(m.Encoder), m.Entity)
	}
	names := map[string]bool{}
	for _, t := range m.Types {
		if names[t] {
			return fmt.Errorf("model has two node types %q", t)
		}
		names[t] = true
	}
	clear(names)
	for _, e := range m.Edges {
		if names[e.Name] {
			return fmt.Errorf("model has two edge types %q", e.Name)
		}
		names[e.Name] = true
		if e.Src < 0 || e.Src >= len(m.Types) || e.Dst < 0 || e.Dst >= len(m.Types) {
			return fmt.Errorf("model has an edge type %q between node types %d and %d of %d", e.Name, e.Src, e.Dst, len(m.Types))
		}
	}
	for t, ok := range m.Config.reach(m.Edges, len(m.Types), entity) {
		if e := m.Encoder[t]; ok != (e != nil) || e != nil && e.Name != m.Types[t] {
			return fmt.Errorf("model has no encoder of its own for node type %q, or one without use", m.Types[t])
		}
	}
	return nil
}

// build creates layers and parameters from Config, Types, Edges and Encoder.
func (m *Model) build(seed uint64) error {
	m.Params = nn.NewSet(seed)
	c := m.Config
	m.input = make([]*rowEncoder, len(m.Types))
	for t, e := range m.Encoder {
		if e != nil {
			m.input[t] = newRowEncoder(m.Params, fmt.Sprintf("input.%q", m.Types[t]), e, c)
		}
	}
	m.layers, m.far = nil, nil
	for l := range c.FanOut {
		ly, err := m.newLayer(l)
		if err != nil {
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

// newLayer builds layer l, counted from 0, which computes the copies up to the hop
// that the layers after it still read.
func (m *Model) newLayer(l int) (layer, error) {
	c := m.Config
	reach := Reach(m.Edges, len(m.Types), slices.Index(m.Types, m.Entity), len(c.FanOut)-l-1)
	ly := layer{norm: make([]*nn.LayerNorm, len(m.Types))}
	cfg := conv.Config{Name: fmt.Sprintf("layer%d", l+1), In: c.Width, Out: c.Width, Types: m.Types, Computes: reach,
		Aggregate: c.Aggregate, HalfLives: c.HalfLives}
	for i, e := range m.Edges {
		if reach[e.Dst] {
			ly.edges = append(ly.edges, i)
			cfg.Edges = append(cfg.Edges, e)
		}
	}
	if conv.ReadsParents(c.Layer) {
		routes(m.Edges, reach, func(first, second int) { m.addRoute(&ly, &cfg, first, second) })
	}
	for t, ok := range reach {
		if ok && l+1 < len(c.FanOut) {
			ly.norm[t] = nn.NewLayerNorm(m.Params, fmt.Sprintf("layer%d.norm.%q", l+1, m.Types[t]), c.Width)
		}
	}
	var err error
	ly.conv, err = conv.New(c.Layer, cfg, m.Params)
	return ly, err
}

// addRoute gives a layer the route over two edge types.
func (m *Model) addRoute(ly *layer, cfg *conv.Config, first, second int) {
	at := slices.Index(m.far, second)
	if at < 0 {
		at = len(m.far)
		m.far = append(m.far, second)
	}
	ly.routes = append(ly.routes, at)
	name := fmt.Sprintf("%s | %s", m.Edges[first].Name, m.Edges[second].Name)
	cfg.Routes = append(cfg.Routes, conv.Route{Name: name, Edge: slices.Index(ly.edges, first), Src: m.Edges[second].Src})
}

// Reach tells which node types can hold copies up to the given hop from entity.
func Reach(edges []conv.EdgeType, types, entity, hops int) []bool {
	reach := make([]bool, types)
	reach[entity] = true
	for range hops {
		next := slices.Clone(reach)
		for _, e := range edges {
			if reach[e.Dst] {
				next[e.Src] = true
			}
		}
		reach = next
	}
	return reach
}

// String sums the model up in one line.
func (m *Model) String() string {
	var layers []string
	for _, l := range m.layers {
		layers = append(layers, l.conv.String())
	}
	return fmt.Sprintf("%s, fan-out %v %s, %d parameters", strings.Join(layers, " + "), m.Config.FanOut, m.Config.Strategy, m.Params.Count())
}
