// Package conv owns the message-passing layers, one per file. A layer sees one hop of
// a sampled heterogeneous neighbourhood as a [Block] and maps the vectors of the
// copies to the vectors of those copies that are still needed. It is written from the
// tape's operators and so never contains a gradient.
package conv

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/internal/registry"
)

// EdgeType is one kind of message: from copies of node type Src to copies of Dst.
type EdgeType struct {
	Name string `json:"name"`
	Src  int    `json:"src"` // node type
	Dst  int    `json:"dst"`
	// Functional: a destination has at most one source (a row and the parent that
	// its foreign key names), so sum, mean and max are the same.
	Functional bool `json:"functional"`
}

// Block is what one layer computes on. Destination copies of a node type are the
// first Dst of its source copies, so x[type] holds the layer's input for both ends.
type Block struct {
	Dst   []int  // per node type: number of destination copies
	Edges []Edge // per edge type
	// Routes are the far ends of Config.Routes, one entry each.
	Routes []Far
	// Whole: every copy is a destination with all its edges, as in a whole graph, so that
	// the degree of a source is known too. A sample of neighbours is never whole.
	Whole bool
}

// Edge holds the messages of one edge type, grouped by destination.
type Edge struct {
	CSR tensor.CSR // Dst[type] destinations; sources are copies of the edge type's Src
	// Age of each message's source row in days at the seed's cut, one per source in
	// CSR order, at least 0; 0 for rows of a table without time. Nil for a functional
	// edge type.
	Age []tensor.Real
	// Decay, where it is not nil, keeps the weights of the decaying aggregator for the layers
	// of a pass: the destinations of a layer are the first of those of the layer before.
	Decay *DecayMemo
	// Parents, where it has rows, takes the place of CSR in [RowLayer.RowTerms].
	Parents Parents
}

// Parents are the sources of the destinations of a functional edge type as rows.
type Parents struct {
	Rows []int32     // per destination: row of its parent in X of the source type; -1 for none
	Te   *tensor.Var // age terms of the parents; nil for a table without time
	TeOf []int32     // per destination: its parent's row in Te; -1 for none
}

// Route is a way of two steps into a destination: a row u sends over an edge type, and a
// foreign key of u names one row more, the far end. A copy at the last hop has no parents
// among the copies, so that far ends come to a layer beside them; see [Far].
type Route struct {
	Name string
	Edge int // position in Config.Edges of the edge type that u sends over; it is not functional
	Src  int // node type of the far end
}

// Far holds the far ends of a route. They have the vectors that the first layer gets,
// whatever the layer, as of the cut of the seed whose copy u is.
type Far struct {
	X    *tensor.Var // rows x In: vectors without age; nil where no copy has a far end
	Of   []int32     // per copy of u: row of its far end in X; -1 for none
	Te   *tensor.Var // age terms, constant; nil for a table without time
	TeOf []int32     // per copy of u: the row of its far end's terms in Te; -1 for none
	T    *tensor.Var // terms x In: x of a far end is its row of X + its row of Te times T
}

// Layer is one message-passing step. Its parameters change only in training; it is
// safe for concurrent use, each caller with a tape of its own.
type Layer interface {
	// Forward maps x[type] (copies x In; nil for a node type without copies) to
	// out[type] (Dst[type] x Out; nil where Dst is 0). What a destination gets depends
	// on its own neighbours only, never on what else is in the block: a destination
	// without neighbours over an edge type gets the same whether other destinations
	// have some or not. The order of its neighbours does not matter but for rounding.
	Forward(t *tensor.Tape, b *Block, x []*tensor.Var) []*tensor.Var
	// String names the layer and its settings for reports.
	String() string
}

// Config fixes a layer's shape.
type Config struct {
	Name      string // prefix of its parameters
	In, Out   int
	Types     []string // node types
	Edges     []EdgeType
	Routes    []Route   // for a layer that [ReadsParents]
	Computes  []bool    // per node type: whether a block may have destinations of it; nil = all
	Aggregate string    // name of the aggregator; empty = "mean"
	HalfLives []float64 // days, for aggregators that decay
	Heads     int       // attention heads, a divisor of Out; 0 = the most of 4, 2, 1 that divides it
	Bases     int       // matrices that R-GCN mixes its weights from; 0 = 8, or one per edge type where those are fewer
	Hidden    int       // channels of a layer's inner step, for gin and sir; 0 = Out
	// LogDegree is the usual log(1 + neighbours) that pna measures a row's degree against;
	// 0 = that of 16 neighbours.
	LogDegree float64
	// Bare leaves out the root term that relational and attention layers add to the
	// messages: the layer as its paper has it.
	Bare bool
}

// heads returns the number of attention heads.
func (c *Config) heads() (int, error) {
	switch {
	case c.Heads < 0 || c.Heads > 0 && c.Out%c.Heads != 0:
		return 0, fmt.Errorf("%d attention heads for %d channels, want a divisor", c.Heads, c.Out)
	case c.Heads > 0:
		return c.Heads, nil
	}
	h := 4
	for c.Out%h != 0 {
		h /= 2
	}
	return h, nil
}

// param adds a parameter of the layer: kind and, quoted, the type that it belongs to.
func (c *Config) param(set *nn.Set, kind, of string, rows, cols int, init nn.Init) *nn.Param {
	return set.New(fmt.Sprintf("%s.%s.%q", c.Name, kind, of), rows, cols, init)
}

// linear adds a linear step of the layer that belongs, by name, to a type.
func (c *Config) linear(set *nn.Set, kind, of string, in, out int) *nn.Linear {
	return nn.NewLinear(set, fmt.Sprintf("%s.%s.%q", c.Name, kind, of), in, out)
}

// bias is param for a row of zeros that weight decay leaves alone.
func (c *Config) bias(set *nn.Set, kind, of string, cols int) *nn.Param {
	p := c.param(set, kind, of, 1, cols, nn.Zeros)
	p.Decay = false
	return p
}

// computes says whether a block may have destinations of the node type.
func (c *Config) computes(typ int) bool { return c.Computes == nil || c.Computes[typ] }

// copies returns x[typ], and a matrix without rows for a node type without copies.
func (c *Config) copies(t *tensor.Tape, x []*tensor.Var, typ int) *tensor.Var {
	if x[typ] == nil {
		return t.Const(t.Alloc(0, c.In))
	}
	return x[typ]
}

var layers = registry.New[func(Config, *nn.Set) (Layer, error)]("layer")

// Register makes a layer known by name.
func Register(name string, make func(Config, *nn.Set) (Layer, error)) { layers.Add(name, make) }

// routed are the layers that read far ends.
var routed = registry.New[struct{}]("layer with routes")

// ReadsParents says whether the named layer is to be given [Config.Routes].
func ReadsParents(layer string) bool {
	_, err := routed.Get(layer)
	return err == nil
}

// New builds the named layer, with its parameters in set. The error of an unknown name
// lists the known ones.
func New(name string, c Config, set *nn.Set) (Layer, error) {
	make, err := layers.Get(name)
	if err != nil {
		return nil, err
	}
	return make(c, set)
}

// Names lists the layers.
func Names() []string { return layers.Names() }
