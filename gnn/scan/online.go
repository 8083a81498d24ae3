package scan

import (
	"cmp"
	"container/heap"
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// Online keeps only the present states of entities and updates them row by row: a new row
// costs as many steps as the state has numbers, and an answer reads no neighbourhood. Its
// answers are those of [Scorer] over the rows appended so far. It is not safe for
// concurrent use.
type Online struct {
	b       *Bound
	cells   [][]cell // per state, per ancestor
	waiting waiting
	now     int64 // the latest cut that was answered
	tape    *tensor.Tape
}

// cell is the state of one ancestor over one path, at the time of its youngest row.
type cell struct {
	when   int64
	latest int32     // the youngest row
	sums   []float64 // per rate: features, messages and the count; nil before the first row
}

// arrival is a row on its way to an ancestor.
type arrival struct {
	known   int64
	state   int
	up, row int32
}

// NewOnline begins without rows. It knows networks of one layer over tables whose rows do
// not end: messages of further layers need states strictly before a row, and a row that
// ends must be taken out again.
func (b *Bound) NewOnline() (*Online, error) {
	if b.Config.Layers != 1 {
		return nil, fmt.Errorf("online states know one layer, the network has %d: train it with --layers 1", b.Config.Layers)
	}
	o := &Online{b: b, now: math.MinInt64, tape: tensor.NewTape(tensor.NewPool(1))}
	o.tape.Train = false
	for k := range b.plan.states {
		p := &b.plan.states[k]
		if b.lists[k].span != nil {
			return nil, fmt.Errorf("online states know rows that stay, and those over %q end: score with a snapshot instead", p.name)
		}
		o.cells = append(o.cells, make([]cell, b.graph.Snap.Tables[p.to].Rows))
	}
	return o, nil
}

// Append tells of a row of a table, by the numbers of both in the snapshot. A row of a later
// time than the cuts so far, or behind a row that becomes known later, waits until then;
// one that comes late counts from now on as if it had come in time.
func (o *Online) Append(table int, row int32) {
	for k := range o.b.plan.states {
		p := &o.b.plan.states[k]
		if p.from != table {
			continue
		}
		c := o.b.chain(p)
		if known := c.known(row); c.up[row] >= 0 && known != ingest.Never {
			heap.Push(&o.waiting, arrival{known, k, c.up[row], row})
		}
	}
}

// Score answers a query, whose cut is not earlier than those before it. Rows that the cut
// sees must have been appended.
func (o *Online) Score(q model.Query) ([]tensor.Real, error) {
	if q.Cut < o.now {
		return nil, fmt.Errorf("cut %d lies before %d, which online states have passed", q.Cut, o.now)
	}
	o.now = q.Cut
	for len(o.waiting) > 0 && o.b.rule.Visible(o.waiting[0].known, q.Cut) {
		o.fold(heap.Pop(&o.waiting).(arrival))
	}
	t, b := o.tape, o.b
	t.Reset()
	fixed := append([]tensor.Real(nil), b.extras(t, []model.Query{q}).Val.Data...)
	var learned []tensor.Real
	for i := range b.plan.slots {
		s := &b.plan.slots[i]
		row := o.slotRow(s, q)
		if s.via < 0 {
			own := make([]tensor.Real, b.feature[s.table].width)
			if row >= 0 {
				copy(own, b.tables[s.table].x.Row(int(row)))
			}
			fixed = append(fixed, own...)
		}
		for _, k := range b.plan.into[s.table] {
			fixed, learned = o.read(k, row, q.Cut, fixed, learned)
		}
	}
	of := func(x []tensor.Real, at int) *tensor.Var {
		return b.normalise(t, t.Const(tensor.Mat{Rows: 1, Cols: len(x), Data: x}), at)
	}
	return append([]tensor.Real(nil), b.outputs(t, of(fixed, 0), of(learned, b.width[0])).Val.Data...), nil
}

func (o *Online) slotRow(s *slot, q model.Query) int32 {
	row := q.Row
	if s.via >= 0 {
		c := &o.cells[s.via][row]
		if row = -1; c.sums != nil {
			row = c.latest
		}
	}
	if s.up != nil {
		row = o.b.chain(s.up).ancestor(o.b.graph.Snap.Tables[s.table], o.b.rule, row, q.Cut)
	}
	return row
}

// fold adds a row to the state of its ancestor. One that comes late is added as what would
// be left of it: states are linear.
func (o *Online) fold(a arrival) {
	c, k := &o.cells[a.state][a.up], len(o.b.Config.HalfLives)
	x := o.b.tables[o.b.plan.states[a.state].from].x.Row(int(a.row))
	m := o.message(o.b.plan.states[a.state].from, a.row)
	n := len(x) + len(m) + 1
	switch {
	case c.sums == nil:
		*c = cell{a.known, a.row, make([]float64, k*n)}
	case a.known > c.when:
		o.decay(c, a.known, c.sums)
		c.when, c.latest = a.known, a.row
	case a.known == c.when:
		c.latest = max(c.latest, a.row)
	}
	late := float64(days(c.when, a.known))
	for r, h := range o.b.Config.HalfLives {
		s, e := c.sums[r*n:][:n], math.Exp2(-late/h)
		for j, v := range x {
			s[j] += e * float64(v)
		}
		for j, v := range m {
			s[len(x)+j] += e * v
		}
		s[n-1] += e
	}
}

// decay makes the sums of a cell those at an instant.
func (o *Online) decay(c *cell, at int64, sums []float64) {
	n := len(c.sums) / len(o.b.Config.HalfLives)
	for r, h := range o.b.Config.HalfLives {
		e := math.Exp2(-float64(days(at, c.when)) / h)
		for j, v := range c.sums[r*n:][:n] {
			sums[r*n+j] = e * v
		}
	}
}

// message is that of a row in the first layer.
func (o *Online) message(table int, row int32) []float64 {
	s := o.b.senders[1][table]
	m := make([]float64, o.b.Config.Width)
	for j, v := range s.bias.Value.Data {
		m[j] = float64(v)
	}
	add := func(x []tensor.Real, by tensor.Mat) {
		for i, v := range x {
			for j, w := range by.Row(i) {
				m[j] += float64(v) * float64(w)
			}
		}
	}
	add(o.b.tables[table].x.Row(int(row)), s.own.Value)
	for _, up := range s.ups {
		if at := o.b.above[up.path.name][row]; at >= 0 {
			add(o.b.tables[up.path.to].x.Row(int(at)), up.by.Value)
		}
	}
	for j := range m {
		m[j] = max(m[j], 0)
	}
	return m
}

// read appends what a query reads of a state at an instant: see [Bound.rawMeans] and
// [Bound.learnedMeans].
func (o *Online) read(k int, ancestor int32, at int64, fixed, learned []tensor.Real) ([]tensor.Real, []tensor.Real) {
	b, width := o.b, o.b.feature[o.b.plan.states[k].from].width
	n := width + b.Config.Width + 1
	sums, since := make([]float64, n*len(b.Config.HalfLives)), float64(noneDays)
	if ancestor >= 0 && o.cells[k][ancestor].sums != nil {
		c := &o.cells[k][ancestor]
		o.decay(c, at, sums)
		since = float64(days(at, c.when))
	}
	p := b.priors[1][k]
	for r := range b.Config.HalfLives {
		s := sums[r*n:][:n]
		count := s[n-1]
		for _, v := range s[:width] {
			fixed = append(fixed, tensor.Real(v/(count+rawPrior)))
		}
		fixed = append(fixed, tensor.Real(math.Log(count+0.05)))
		w := math.Log1p(math.Exp(float64(p.weight.Value.Data[r])))
		for j, v := range s[width : n-1] {
			learned = append(learned, tensor.Real((v+w*float64(p.mean.Value.Data[j]))/(count+w)))
		}
	}
	return append(fixed, tensor.Real(math.Log1p(since)/4)), learned
}

// waiting is a heap of arrivals in the order of times, states and rows.
type waiting []arrival

func (w waiting) Len() int      { return len(w) }
func (w waiting) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w waiting) Less(i, j int) bool {
	a, b := w[i], w[j]
	return cmp.Or(cmp.Compare(a.known, b.known), cmp.Compare(a.state, b.state), cmp.Compare(a.row, b.row)) < 0
}

// Push and Pop implement [heap.Interface].
func (w *waiting) Push(x any) { *w = append(*w, x.(arrival)) }

// Pop is the other half of [heap.Interface].
func (w *waiting) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}
