package tower

import (
	"slices"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// A planted world: entities and items have one of so many tastes; each day an entity is
// linked to an item, nine times in ten to one of its taste. Items come up day by day.
const (
	tastes   = 8
	entities = 160
	items    = 400
	days     = 120
	window   = 10
)

func tasteOf(row int32) int { return int(tensor.Hash64(7, uint64(row)) % tastes) }

func birthOf(item int32) int { return int(item) * days / items } // day

func atDay(day int) int64 { return int64(day) * dayMicros }

// planted is the world and seeds every window days from day 30 on whose window closes by
// the end.
func planted() (d Data, seeds []Seed) {
	s := tensor.NewStream(11)
	for day := 5; day < days; day++ {
		for e := range int32(entities) {
			item := int32(s.IntN(day * items / days))
			for s.Float64() < 0.9 && tasteOf(item) != tasteOf(e+1000) {
				item = int32(s.IntN(day * items / days))
			}
			d.Links.Entity, d.Links.Item, d.Links.Time = append(d.Links.Entity, e), append(d.Links.Item, item), append(d.Links.Time, atDay(day))
		}
	}
	d.Entities, d.Items = entities, items
	d.Known = func(item int32, cut int64) bool { return atDay(birthOf(item)) <= cut }
	for day := 30; day+window < days; day += window {
		for e := range int32(entities) {
			seeds = append(seeds, Seed{Entity: e, Cut: atDay(day), Items: came(d.Links, e, day)})
		}
	}
	return d, seeds
}

// came are the items that entity e is linked to in the window after a day, ascending.
func came(l Links, e int32, day int) []int32 {
	var out []int32
	for i, at := range l.Time {
		if l.Entity[i] == e && at > atDay(day) && at <= atDay(day+window) && birthOf(l.Item[i]) <= day {
			out = append(out, l.Item[i])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// split are the seeds before a day and those of that day.
func split(seeds []Seed, day int) (train, at []Seed) {
	for _, s := range seeds {
		switch {
		case s.Cut+window*dayMicros <= atDay(day):
			train = append(train, s)
		case s.Cut == atDay(day):
			at = append(at, s)
		}
	}
	return train, at
}

// tasteAttributes tell the taste of an item as a code, and nothing else.
type tasteAttributes struct{}

func (tasteAttributes) Width() int { return 1 }

func (tasteAttributes) Pick(t *tensor.Tape, rows []int32) (tensor.Mat, tensor.CSR, []tensor.Real) {
	csr, weights := tensor.CSR{Ptr: []int32{0}}, make([]tensor.Real, len(rows))
	for i, r := range rows {
		csr.Src, csr.Ptr, weights[i] = append(csr.Src, int32(tasteOf(r))), append(csr.Ptr, int32(i+1)), 1
	}
	return t.Alloc(len(rows), 1), csr, weights
}
