package model

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
)

// The ways to compute a first layer.
const (
	PlanAuto     = "auto"     // chosen by cost when training begins
	PlanFactored = "factored" // once per distinct row, age terms apart; see conv.RowLayer
	PlanPlain    = "plain"    // on the vectors of all copies
)

var plans = []string{PlanAuto, PlanFactored, PlanPlain}

// factored says whether the first layer takes its input as rows. It does not depend on
// the batch: both ways agree up to rounding only, and a seed's outputs must not depend
// on what else is in its batch.
func (m *Model) factored() bool {
	_, ok := m.layers[0].conv.(conv.RowLayer)
	return ok && m.Config.Plan != PlanPlain
}

// Work is what a stage of a forward pass costs.
type Work struct {
	Rows  int     `json:"rows"`  // rows of its matrix products
	Flops float64 `json:"flops"` // of its matrix products, a multiplication and an addition being two
	Bytes float64 `json:"bytes"` // written or gathered between them
}

func (w *Work) add(rows, in, out int) {
	w.Rows += rows
	w.Flops += 2 * float64(rows) * float64(in) * float64(out)
	w.Bytes += realBytes * float64(rows) * float64(out)
}

const realBytes = 4

// bytesCost is how many floating-point operations of a matrix product take as long as
// moving one byte, on processors of today: it weighs the two kinds of work.
const bytesCost = 8

// Cost is the work in units of one floating-point operation.
func (w Work) Cost() float64 { return w.Flops + bytesCost*w.Bytes }

// Stage is one step of a forward pass in three forms: as pipelines do that encode every
// copy of a row, trim nothing and keep a root weight per edge type; plain; and factored.
type Stage struct {
	Name     string `json:"name"`
	Copies   Work   `json:"every_copy"`
	Plain    Work   `json:"plain"`
	Factored Work   `json:"factored"`
}

// Plan says how the first layer is computed, and what that costs for one batch.
type Plan struct {
	Seeds  int     `json:"seeds"`
	Copies int     `json:"copies"`
	Rows   int     `json:"distinct_rows"`
	Edges  int     `json:"edges"`
	Stages []Stage `json:"stages"`
	Chosen string  `json:"chosen"`
	Reason string  `json:"reason"`
}

// Choose compares the plans on a sampled batch. A config that names a plan has chosen.
func (b *Bound) Choose(batch *sample.Batch) *Plan {
	p := &Plan{Seeds: len(batch.Seeds), Chosen: b.Config.Plan}
	p.Copies, p.Edges = batch.Size()
	for _, n := range batch.Nodes {
		p.Rows += len(n.Distinct)
	}
	c := costs{b: b, batch: batch, width: b.Config.Width, terms: len(b.Config.TimeScale) + 1}
	var err error
	if c.reduced, err = (conv.Config{In: c.width, Aggregate: b.Config.Aggregate, HalfLives: b.Config.HalfLives}).MessageWidth(); err != nil {
		panic("model: a model was built with an aggregator that cannot be: " + err.Error())
	}
	p.Stages = c.stages()
	total := p.Total()
	plain, factored := total.Plain.Cost(), total.Factored.Cost()
	_, can := b.layers[0].conv.(conv.RowLayer)
	switch {
	case !can:
		p.Chosen, p.Reason = PlanPlain, fmt.Sprintf("layer %s has no factored form", b.Config.Layer)
	case p.Chosen != PlanAuto:
		p.Reason = "the config names it"
	case factored < plain:
		p.Chosen, p.Reason = PlanFactored, fmt.Sprintf("it costs %.0f %% of the plain form", 100*factored/plain)
	default:
		p.Chosen, p.Reason = PlanPlain, fmt.Sprintf("the factored form would cost %.0f %% of it", 100*factored/plain)
	}
	return p
}

// Total sums the stages up.
func (p *Plan) Total() Stage {
	sum := Stage{Name: "total"}
	for _, s := range p.Stages {
		for _, w := range []struct{ to, from *Work }{{&sum.Copies, &s.Copies}, {&sum.Plain, &s.Plain}, {&sum.Factored, &s.Factored}} {
			w.to.Rows += w.from.Rows
			w.to.Flops += w.from.Flops
			w.to.Bytes += w.from.Bytes
		}
	}
	return sum
}

// Text writes the plan as a table.
func (p *Plan) Text(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%d seeds, %d copies of %d distinct rows, %d edges\n", p.Seeds, p.Copies, p.Rows, p.Edges)
	fmt.Fprintf(w, "forward pass in MFLOP, and rows of its matrix products\n\n")
	fmt.Fprintln(out, "\tevery copy\trows\tplain\trows\tfactored\trows\t")
	for _, s := range append(p.Stages[:len(p.Stages):len(p.Stages)], p.Total()) {
		fmt.Fprintf(out, "%s\t", s.Name)
		for _, work := range []Work{s.Copies, s.Plain, s.Factored} {
			fmt.Fprintf(out, "%.1f\t%d\t", work.Flops/1e6, work.Rows)
		}
		fmt.Fprintln(out)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nfirst layer: %s: %s\n", p.Chosen, p.Reason)
	return err
}

// costs adds up what the stages of a forward pass cost for a batch.
type costs struct {
	b            *Bound
	batch        *sample.Batch
	width, terms int
	reduced      int // columns of reduced messages
}

func (c *costs) stages() []Stage {
	out := []Stage{c.encode()}
	for l := range c.b.layers {
		out = append(out, c.layer(l)...)
	}
	return append(out, c.head())
}

func (c *costs) encode() Stage {
	s := Stage{Name: "encode rows"}
	for i, r := range c.b.input {
		if r == nil {
			continue
		}
		n := &c.batch.Nodes[i]
		for _, m := range r.maps() {
			s.Copies.add(len(n.Rows), m.Value.Rows, m.Value.Cols)
			s.Plain.add(len(n.Distinct), m.Value.Rows, m.Value.Cols)
			s.Factored.add(len(n.Distinct), m.Value.Rows, m.Value.Cols)
		}
	}
	return s
}

// maps lists the matrices that every row meets.
func (r *rowEncoder) maps() []*nn.Param {
	var out []*nn.Param
	if r.dense != nil {
		out = append(out, r.dense)
	}
	for _, k := range r.blocks {
		out = append(out, k.up.W, k.down.W)
	}
	return out
}

func (c *costs) layer(l int) []Stage {
	roots, edges := Stage{Name: fmt.Sprintf("layer %d: own rows", l+1)}, Stage{Name: fmt.Sprintf("layer %d: messages", l+1)}
	ages, d := Stage{Name: fmt.Sprintf("layer %d: ages", l+1)}, c.width
	hop := len(c.b.layers) - l - 1
	timed := func(typ int) bool { return c.b.input[typ] != nil && c.b.input[typ].time != nil }
	for v := range c.batch.Nodes {
		n := &c.batch.Nodes[v]
		dst, all := n.HopEnd[hop], len(n.Rows)
		if dst == 0 && all == 0 {
			continue
		}
		roots.Plain.add(dst, d, d)
		roots.Factored.add(c.rows(l, n.CopyOf[:dst], dst), d, d)
		terms := 0
		if timed(v) {
			ages.Copies.add(all, c.terms, d)
			ages.Plain.add(all, c.terms, d)
			ages.Factored.add(dst, c.terms, d) // of the residual
			terms = c.terms
		}
		for _, i := range c.b.layers[l].edges {
			e := c.b.Edges[i]
			if e.Dst != v {
				continue
			}
			roots.Copies.add(all, d, d)
			edges.Copies.add(all, d, d)
			src := c.batch.Edges[i].Src[:c.batch.Edges[i].Ptr[dst]]
			if !e.Functional {
				edges.Plain.add(dst, c.reduced, d)
				edges.Factored.add(dst, c.reduced, d)
				edges.Plain.Bytes += realBytes * float64(len(src)*d)
				edges.Factored.Bytes += realBytes * float64(len(src)*d)
				continue
			}
			from := &c.batch.Nodes[e.Src]
			edges.Plain.add(min(len(from.Rows), dst), d, d)
			edges.Plain.Bytes += realBytes * float64(len(src)*d)
			edges.Factored.add(c.rows(l, compose(from.CopyOf, src), len(src)), d, d)
			if timed(e.Src) {
				terms += c.terms
			}
		}
		ages.Factored.add(dst, terms, d)
		ages.Factored.Bytes += realBytes * float64(dst*d) // the gathered sum
	}
	if l > 0 {
		edges.Factored, roots.Factored = edges.Plain, roots.Plain
		return []Stage{roots, edges}
	}
	return []Stage{roots, edges, ages}
}

// rows is the number of rows that a factored map takes: distinct ones in the first layer.
func (c *costs) rows(l int, idx []int32, n int) int {
	if l > 0 {
		return n
	}
	seen := map[int32]bool{}
	for _, r := range idx {
		seen[r] = true
	}
	return len(seen)
}

func compose(of, idx []int32) []int32 {
	out := make([]int32, len(idx))
	for i, v := range idx {
		out[i] = of[v]
	}
	return out
}

func (c *costs) head() Stage {
	s := Stage{Name: "head"}
	for _, m := range []tensor.Mat{c.b.hidden.W.Value, c.b.out.W.Value, c.b.direct.Value} {
		for _, w := range []*Work{&s.Copies, &s.Plain, &s.Factored} {
			w.add(len(c.batch.Seeds), m.Rows, m.Cols)
		}
	}
	return s
}
