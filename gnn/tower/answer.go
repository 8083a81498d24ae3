package tower

import (
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// inferenceBlock is how many vectors are made at a time.
const inferenceBlock = 8192

// Recommend returns the k best items of each seed among those that are known at its cut,
// best first. allowed, which may be nil, is asked about items besides; several goroutines
// call it at once.
func (m *Model) Recommend(pool *tensor.Pool, seeds []Seed, k int, allowed func(seed int, item int32) bool) [][]Hit {
	out := make([][]Hit, len(seeds))
	t := tensor.NewTape(pool)
	t.Train = false
	items := m.allItems(t)
	width := m.opt.Width
	for _, at := range byCut(seeds) {
		cut := seeds[at[0]].Cut
		popular := m.popular(cut)
		for i := range m.data.Items {
			copy(items.Row(i)[width:], popular.Row(i))
		}
		queries := m.queries(t, seeds, at, items.Cols)
		for i, hits := range Search(pool, queries, items, k, func(q int, item int32) bool {
			return (m.data.Known == nil || m.data.Known(item, cut)) && (allowed == nil || allowed(at[q], item))
		}) {
			out[at[i]] = hits
		}
	}
	return out
}

// byCut groups the positions of seeds by their cuts, in the order of the cuts.
func byCut(seeds []Seed) [][]int {
	cuts := map[int64][]int{}
	var order []int64
	for i, s := range seeds {
		if cuts[s.Cut] == nil {
			order = append(order, s.Cut)
		}
		cuts[s.Cut] = append(cuts[s.Cut], i)
	}
	slices.Sort(order)
	out := make([][]int, len(order))
	for i, c := range order {
		out[i] = cuts[c]
	}
	return out
}

// allItems are the vectors of all items with places for their popularity behind.
func (m *Model) allItems(t *tensor.Tape) tensor.Mat {
	out := tensor.NewMat(m.data.Items, m.opt.Width+len(m.opt.HalfLives))
	rows := make([]int32, 0, inferenceBlock)
	for lo := 0; lo < m.data.Items; lo += inferenceBlock {
		rows = rows[:0]
		for i := lo; i < min(lo+inferenceBlock, m.data.Items); i++ {
			rows = append(rows, int32(i))
		}
		t.Reset()
		v := m.itemVectors(t, rows, m.isWarm)
		for i, r := range rows {
			copy(out.Row(int(r)), v.Val.Row(i))
		}
	}
	return out
}

func (m *Model) isWarm(item int32) bool { return m.warm[item] }

// queries are the vectors of the seeds at some positions.
func (m *Model) queries(t *tensor.Tape, seeds []Seed, at []int, cols int) tensor.Mat {
	out := tensor.NewMat(len(at), cols)
	var some []Seed
	for lo := 0; lo < len(at); lo += inferenceBlock {
		some = some[:0]
		for _, i := range at[lo:min(lo+inferenceBlock, len(at))] {
			some = append(some, seeds[i])
		}
		t.Reset()
		v := m.seedVectors(t, some, m.isWarm)
		copy(out.Data[lo*cols:], v.Val.Data)
	}
	return out
}
