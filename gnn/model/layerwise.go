package model

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
)

// LayerwiseError says why the outputs of a model at a cut cannot be computed layer by
// layer over rows: the same row would read other neighbours in another place.
type LayerwiseError struct{ Reason string }

func (e *LayerwiseError) Error() string { return "not layer by layer: " + e.Reason }

// Layerwise computes the outputs of many queries at one cut layer by layer: each layer once
// per row that somebody needs, whatever the number of seeds that would have a copy of it.
// That is what sampled subgraphs give when a row at the cut reads the same neighbours
// wherever it stands: strategy latest with one fan-out in all hops in which a row can
// stand, or fan-outs that no row exceeds at the cut. The neighbours of a row are those
// that a sampler of one hop reads, which also holds the time rule.
type Layerwise struct {
	bound  *Bound
	cut    int64
	pool   *tensor.Pool
	tables *RowTables
	read   []*sample.Sampler // per node type: one hop, on all threads; nil where none is expanded
	lean   []*sample.Sampler // the same on one thread, for computing
}

// NewLayerwise prepares the cut; an error is a [LayerwiseError] or a fault of the config.
// Rows are read from tables where those hold them; nil encodes them.
func (b *Bound) NewLayerwise(rule ingest.TimeRule, cut int64, tables *RowTables, pool *tensor.Pool) (*Layerwise, error) {
	o, err := b.Config.sampling(b.Graph, b.Entity, rule, b.Meta.Seed, pool)
	if err != nil {
		return nil, err
	}
	r := readings{g: b.Graph, opt: o, cut: cut, latest: b.Config.Strategy == "latest"}
	limits, err := r.limits()
	if err != nil {
		return nil, err
	}
	l := &Layerwise{bound: b, cut: cut, pool: pool, tables: tables,
		read: make([]*sample.Sampler, len(b.Types)), lean: make([]*sample.Sampler, len(b.Types))}
	for typ, edges := range limits {
		if edges == nil {
			continue
		}
		one := o
		one.Entity, one.FanOut, one.PerEdge, one.NoDistinct = typ, []int{1}, edges, true
		if l.read[typ], err = sample.New(b.Graph, one); err != nil {
			return nil, err
		}
		one.Threads, one.NoDistinct = 1, tables != nil && tables.Holds()
		if l.lean[typ], err = sample.New(b.Graph, one); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// readings finds what rows read wherever they stand.
type readings struct {
	g      *graph.Graph
	opt    sample.Options
	cut    int64
	latest bool
}

// limits returns per node type, nil for one whose rows are never expanded, the most
// children that its rows read over each edge type that ends there; 0 or 1 for parents.
func (r *readings) limits() ([]map[int][]int, error) {
	out := make([]map[int][]int, len(r.g.Snap.Tables))
	known := make([]bool, len(r.g.Edges))
	found := map[int]bool{r.opt.Entity: true}
	for h := range r.opt.FanOut {
		next := map[int]bool{}
		for e, t := range r.g.Edges {
			if !found[t.Dst] {
				continue
			}
			if out[t.Dst] == nil {
				out[t.Dst] = map[int][]int{}
			}
			want := r.want(e, h)
			if want != 0 {
				next[t.Src] = true
			}
			if !known[e] {
				known[e], out[t.Dst][e] = true, []int{want}
			}
			if err := r.agree(e, h, out[t.Dst][e][0], want); err != nil {
				return nil, err
			}
		}
		found = next
	}
	return out, nil
}

// want is how many sources of edge type e a row reads in hop h, counted from 0.
func (r *readings) want(e, h int) int {
	own, ok := r.opt.PerEdge[e]
	switch {
	case r.g.Edges[e].Rev && (!ok || own[h] != 0):
		return 1
	case ok:
		return own[h]
	case r.g.Edges[e].Rev:
		return 1
	}
	return r.opt.FanOut[h]
}

// agree says whether rows read the same over edge type e in hop h as in an earlier one.
func (r *readings) agree(e, h, before, now int) error {
	name := r.g.Label(e)
	if r.g.Edges[e].Rev {
		if before != now {
			return &LayerwiseError{fmt.Sprintf("%s is read in one hop and not in hop %d", name, h+1)}
		}
		return nil
	}
	if before == now && r.latest {
		return nil
	}
	most := r.most(e)
	switch {
	case min(before, most) != min(now, most):
		return &LayerwiseError{fmt.Sprintf("%s reads %d children in one hop and %d in hop %d, and a row has %d at the cut", name, before, now, h+1, most)}
	case !r.latest && most > now:
		return &LayerwiseError{fmt.Sprintf("%s reads %d children drawn for each example, and a row has %d at the cut", name, now, most)}
	}
	return nil
}

// most returns the largest number of children that a row can read at the cut over edge
// type e: O(parents log(children)).
func (r *readings) most(e int) int {
	list, moment, most := r.g.List(e), r.opt.Rule.Moment(r.cut), 0
	for p := range len(list.Offsets) - 1 {
		lo, hi := list.Offsets[p], list.Offsets[p+1]
		n := int(hi - lo)
		if n > most && list.Times != nil {
			n = moment.Count(list.Times[lo:hi])
		}
		most = max(most, n)
	}
	return most
}
