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
	var block []byte
	for rows(&block) {
		if err := f.match(block, wanted, pieces, next); err != nil {
			return err
		}
	}
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

func (f *joinFn) match(block []byte, wanted map[wish][]int64, pieces *blocks, next *asks) error {
	r := piece.NewReader(block)
	edge := int(r.Uint())
	if r.Err() != nil || edge >= len(f.job.Plan.Edges) {
		return fmt.Errorf("block of rows of edge %d: %v", edge, r.Err())
	}
	table, behind := f.job.Plan.To(f.job.Schema, edge), f.job.Plan.Behind(edge)
	near := make([]uint64, len(behind))
	for r.More() {
		hash := r.Fixed()
		for i := range near {
			near[i] = r.Fixed()
		}
		row := r.Bytes()
		for _, shard := range wanted[wish{edge, hash}] {
			pieces.add(shard, table, func(b []byte) []byte { return append(b, row...) })
			for i, n := range behind {
				if near[i] != 0 {
					next.add(n, near[i], shard)
				}
			}
		}
	}
	return r.Err()
}
