package beam

import (
	"cmp"
	"container/heap"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/rowlink/rowlink/beam/piece"
)

// Draw says which entities a sample holds, and how many rows below what they are linked to.
type Draw struct {
	Share float64 `json:"share"` // of the entities
	Seed  uint64  `json:"seed"`
	Cap   int     `json:"cap"`   // rows of a foreign key below a row that is no entity; 0 = all
	Hops  int     `json:"hops"`  // links that the model reads
	Taken int64   `json:"taken"` // moment of the snapshot that is drawn from
}

// drawn reports whether the entity with a hash of its key is in the sample. All are in none.
func (d *Draw) drawn(hash uint64) bool { return d == nil || piece.Draw(d.Seed, hash) < d.Share }

// few keeps, of the rows below each row, those that a hash draws first: whatever the order in
// which an engine delivers them, the same.
type few struct {
	most int
	seed uint64
	of   map[wish]*lot
}

// few is nil where all rows are kept.
func (d *Draw) few() *few {
	if d == nil || d.Cap == 0 {
		return nil
	}
	return &few{d.Cap, d.Seed, map[wish]*lot{}}
}

func (f *few) add(w wish, m met) {
	id, _ := binary.Uvarint(m.row)
	l := f.of[w]
	if l == nil {
		l = &lot{}
		f.of[w] = l
	}
	c := candidate{piece.Draw(f.seed, id), id, m}
	if len(*l) == f.most && c.compare((*l)[0]) > 0 {
		return
	}
	c.row, c.near = slices.Clone(m.row), slices.Clone(m.near)
	if len(*l) == f.most {
		(*l)[0] = c
		heap.Fix(l, 0)
		return
	}
	heap.Push(l, c)
}

// flush sends what was kept, in a fixed order.
func (f *few) flush(send func(edge int, m met)) {
	if f == nil {
		return
	}
	for _, w := range slices.SortedFunc(maps.Keys(f.of), func(a, b wish) int { return cmp.Or(cmp.Compare(a.edge, b.edge), cmp.Compare(a.hash, b.hash)) }) {
		slices.SortFunc(*f.of[w], candidate.compare)
		for _, c := range *f.of[w] {
			send(w.edge, c.met)
		}
	}
}

// candidate is a row with the number that was drawn for it.
type candidate struct {
	draw float64
	id   uint64
	met
}

func (c candidate) compare(o candidate) int {
	return cmp.Or(cmp.Compare(c.draw, o.draw), cmp.Compare(c.id, o.id))
}

// lot is a heap with the row that was drawn last on top.
type lot []candidate

func (l lot) Len() int           { return len(l) }
func (l lot) Less(i, j int) bool { return l[i].compare(l[j]) > 0 }
func (l lot) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }

// Push and Pop implement [heap.Interface].
func (l *lot) Push(x any) { *l = append(*l, x.(candidate)) }

// Pop is the other half of [heap.Interface].
func (l *lot) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
