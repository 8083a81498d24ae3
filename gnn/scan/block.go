package scan

import (
	"slices"
	"sort"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
)

// wholeStates is how many bytes the states after all events may take to be kept; of more,
// those that are read are made when they are wanted, block by block. It is a constant, not
// the machine's memory: a model must not depend on where it was trained. It is a variable
// for tests only.
var wholeStates int64 = 1 << 30

// blockEvents is about how many events are in memory at a time; one ancestor's stay together.
// It is a variable for tests only.
var blockEvents = 1 << 16

// bounded reports whether states are made block by block. Layers above the first read the
// states of parents at every row, so that there are no blocks.
func (m *Model) bounded(g *graph.Graph) bool {
	return m.Config.Layers == 1 && m.stateBytes(g) > wholeStates
}

// block is some ancestors with the events up to the last one of each that is read.
type block struct {
	list     *list   // of these ancestors alone: its rows are positions in rows
	rows     []int32 // of the table, one per event
	take     []int32 // events that are read
	at, last int     // which of all that are read
}

// blocks cuts the events that lead up to some of them, which are distinct and ascending.
func (l *list) blocks(picked []int32) (out []block) {
	var b block
	for i := 0; i < len(picked); {
		p := sort.Search(len(l.ptr)-1, func(p int) bool { return l.ptr[p+1] > picked[i] })
		from, to := l.ptr[p], i
		for to < len(picked) && picked[to] < l.ptr[p+1] {
			to++
		}
		end := picked[to-1] + 1
		if b.list == nil {
			b = block{list: &list{ptr: []int32{0}}, at: i}
		}
		base := int32(len(b.rows))
		for e := from; e < end; e++ {
			b.list.row = append(b.list.row, base+e-from)
		}
		b.rows = append(b.rows, l.row[from:end]...)
		b.list.gap = append(b.list.gap, l.gap[from:end]...)
		if l.span != nil {
			b.list.span = append(b.list.span, l.span[from:end]...)
		}
		b.list.ptr = append(b.list.ptr, int32(len(b.rows)))
		for _, e := range picked[i:to] {
			b.take = append(b.take, base+e-from)
		}
		i, b.last = to, to
		if len(b.rows) >= blockEvents || i == len(picked) {
			out = append(out, b)
			b = block{}
		}
	}
	return out
}

// maker makes the messages of some rows of a state's table, with a column that counts.
type maker func(t *tensor.Tape, rows []int32) *tensor.Var

// features are messages that no parameter changes.
func (b *Bound) features(state int) maker {
	x := b.tables[b.plan.states[state].from].x
	return func(t *tensor.Tape, rows []int32) *tensor.Var {
		return b.withOnes(t, t.GatherRows(t.Const(x), rows))
	}
}

// sent are the messages of the first layer.
func (b *Bound) sent(state int) maker {
	table := b.plan.states[state].from
	s, own := b.senders[1][table], b.tables[table].x
	return func(t *tensor.Tape, rows []int32) *tensor.Var {
		terms := []tensor.GatherTerm{{X: t.Linear(t.GatherRows(t.Const(own), rows), s.own.Var(t), s.bias.Var(t), tensor.Identity)}}
		for _, up := range s.ups {
			above := make([]int32, len(rows))
			for i, row := range rows {
				above[i] = b.above[up.path.name][row]
			}
			terms = append(terms, tensor.GatherTerm{X: t.MatMul(t.GatherRows(t.Const(b.tables[up.path.to].x), above), up.by.Var(t))})
		}
		return b.withOnes(t, t.Activate(t.GatherSum(len(rows), terms...), tensor.ReLU))
	}
}

// run makes the states of a block that are read: reads x rates*(width+1).
func (b *Bound) run(t *tensor.Tape, k *block, make maker) *tensor.Var {
	return t.GatherRows(b.states(t, k.list, make(t, k.rows)), k.take)
}

// picked lists the distinct events of some readings, ascending.
func picked(reads ...moments) (events []int32) {
	for _, e := range reads {
		events = append(events, e.at...)
	}
	slices.Sort(events)
	events = slices.Compact(events)
	if len(events) > 0 && events[0] < 0 {
		events = events[1:]
	}
	return events
}

// among points readings to their places among the events that are picked.
func (e moments) among(events []int32) moments {
	out := moments{make([]int32, len(e.at)), e.age}
	for i, at := range e.at {
		out.at[i] = -1
		if at >= 0 {
			n, _ := slices.BinarySearch(events, at)
			out.at[i] = int32(n)
		}
	}
	return out
}

// statesAt makes the states of one kind that are read, and points the readings to them. The
// bits are those of the states after all events: each ancestor's are made alike.
func (b *Bound) statesAt(t *tensor.Tape, state int, e moments, make maker) (*tensor.Var, moments) {
	events := picked(e)
	var out tensor.Mat
	scratch := tensor.NewTape(t.Pool())
	scratch.Train = false
	for _, k := range b.lists[state].blocks(events) {
		scratch.Reset()
		x := b.run(scratch, &k, make).Val
		if out.Data == nil {
			out = t.Alloc(len(events), x.Cols)
		}
		copy(out.Data[k.at*x.Cols:], x.Data)
	}
	if out.Data == nil {
		scratch.Reset()
		out = t.Alloc(1, len(b.Config.HalfLives)*make(scratch, nil).Cols()) // nobody reads it
	}
	return t.Const(out), e.among(events)
}

// inBlocks is a training whose states are made block by block: those that seeds read are
// kept, with their gradient, and the way back makes each block once more.
type inBlocks struct {
	b      *Bound
	tape   *tensor.Tape
	states []*kept // by number; nil where no seed reads one
}

type kept struct {
	blocks     []block
	make       maker
	value, out tensor.Mat // states, and their gradient
}

// inBlocks points what seeds read to the states that are kept.
func (b *Bound) inBlocks(s *seeds) *inBlocks {
	x := &inBlocks{b, tensor.NewTape(b.keep.Pool()), make([]*kept, len(b.lists))}
	for k := range b.lists {
		var reads []moments
		for _, r := range s.reads {
			if r.state == k {
				reads = append(reads, r.moments)
			}
		}
		if reads == nil {
			continue
		}
		events := picked(reads...)
		for i, r := range s.reads {
			if r.state == k {
				s.reads[i].moments = r.among(events)
			}
		}
		cols := len(b.Config.HalfLives) * (b.Config.Width + 1)
		x.states[k] = &kept{b.lists[k].blocks(events), b.sent(k), tensor.NewMat(max(1, len(events)), cols), tensor.NewMat(max(1, len(events)), cols)}
	}
	return x
}

// forward makes the states that are read; gradients of them are collected on the tape.
func (x *inBlocks) forward(t *tensor.Tape) states {
	out := make(states, len(x.states))
	x.tape.Train = false
	for k, s := range x.states {
		if s == nil {
			continue
		}
		for _, part := range s.blocks {
			x.tape.Reset()
			copy(s.value.Data[part.at*s.value.Cols:], x.b.run(x.tape, &part, s.make).Val.Data)
		}
		clear(s.out.Data)
		out[k] = t.Leaf(s.value, s.out)
	}
	return out
}

// backward adds the gradient of the parameters that made the states.
func (x *inBlocks) backward() {
	x.tape.Train = true
	for _, s := range x.states {
		if s == nil {
			continue
		}
		for _, part := range s.blocks {
			x.tape.Reset()
			read := x.b.run(x.tape, &part, s.make)
			cols := s.out.Cols
			grad := tensor.Mat{Rows: part.last - part.at, Cols: cols, Data: s.out.Data[part.at*cols : part.last*cols]}
			x.tape.BackwardFrom([]*tensor.Var{read}, []tensor.Mat{grad})
		}
	}
}
