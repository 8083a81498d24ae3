package beam

import (
	"context"
	"fmt"
	"slices"

	"github.com/rowlink/rowlink/beam/piece"
)

// joinFn lets the rows of a bucket meet the pieces that ask for them.
type joinFn struct {
	Spec string

	job *job
}

// Setup reads the job.
func (f *joinFn) Setup(context.Context) (err error) {
	f.job, err = load(f.Spec)
	return err
}

// ProcessElement holds what is asked for in the bucket, and sends each row that streams by
// to the pieces that ask for it.
func (f *joinFn) ProcessElement(ctx context.Context, _ int64, asked, rows func(*[]byte) bool, toPiece, ask func(int64, []byte)) error {
	wanted, err := readAsks(asked)
	if err != nil || len(wanted) == 0 {
		return err
	}
	pieces, next := newBlocks(ctx, toPiece), newAsks(ctx, f.job, ask)
	few := f.job.Draw.few()
	var block []byte
	for rows(&block) {
		if err := f.match(block, wanted, few, f.job.sender(pieces, next)); err != nil {
			return err
		}
	}
	few.flush(f.job.sender(pieces, next))
	pieces.flush()
	next.flush()
	return nil
}

// wish is what is asked for: the rows behind an edge with a hash.
type wish struct {
	edge int
	hash uint64
}

// readAsks gathers the pieces that ask, ascending.
func readAsks(next func(*[]byte) bool) (map[wish][]int64, error) {
	out := map[wish][]int64{}
	var block []byte
	for next(&block) {
		r := piece.NewReader(block)
		edge := int(r.Uint())
		for r.More() {
			w := wish{edge, r.Fixed()}
			out[w] = append(out[w], int64(r.Uint()))
		}
		if r.Err() != nil {
			return nil, r.Err()
		}
	}
	for w, shards := range out {
		slices.Sort(shards)
		out[w] = slices.Compact(shards)
	}
	return out, nil
}

// met is a row that is asked for.
type met struct {
	row    []byte
	near   []uint64 // by which it asks in turn; 0 is none
	shards []int64  // who asks
}

// sender sends a row that was met behind an edge to the pieces that ask, and asks for theirs.
func (j *job) sender(pieces *blocks, next *asks) func(edge int, m met) {
	return func(edge int, m met) {
		table, behind := j.Plan.To(j.Schema, edge), j.Plan.Behind(edge)
		for _, shard := range m.shards {
			pieces.add(shard, table, func(b []byte) []byte { return append(b, m.row...) })
			for i, n := range behind {
				if m.near[i] != 0 {
					next.add(n, m.near[i], shard)
				}
			}
		}
	}
}

func (f *joinFn) match(block []byte, wanted map[wish][]int64, few *few, send func(int, met)) error {
	r := piece.NewReader(block)
	edge := int(r.Uint())
	if r.Err() != nil || edge >= len(f.job.Plan.Edges) {
		return fmt.Errorf("block of rows of edge %d: %v", edge, r.Err())
	}
	behind := f.job.Plan.Behind(edge)
	capped := few != nil && !f.job.Plan.Edges[edge].Up
	near := make([]uint64, len(behind))
	for r.More() {
		hash := r.Fixed()
		for i := range near {
			near[i] = r.Fixed()
		}
		m := met{r.Bytes(), near, wanted[wish{edge, hash}]}
		switch {
		case len(m.shards) == 0:
		case capped:
			few.add(wish{edge, hash}, m)
		default:
			send(edge, m)
		}
	}
	return r.Err()
}
