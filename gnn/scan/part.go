package scan

import (
	"cmp"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// Given is what a part of a database cannot see of its rows by itself. Each function fills in
// numbers of one row and reports whether there are any.
type Given struct {
	// Ranks are those of [Model.Ranks].
	Ranks func(table int, row int32, to []tensor.Real) bool
	// Reads is what a state of its parent over a path adds to a row's message of a layer above
	// the first: told by [Bound.Before].
	Reads func(layer, table int, row int32, path, state string, to []tensor.Real) bool
	// States is what a query reads of a state of a row at its cut: told by [Bound.At].
	States func(table int, row int32, state string, to []tensor.Real) bool
}

// BindPart reads the rows of a part of a database. States are made on demand, of rows that
// the part holds below the rows that are asked about; see [Bound.Before], [Bound.At] and, for
// queries, [Given].
func (m *Model) BindPart(g *graph.Graph, rule ingest.TimeRule, given *Given, pool *tensor.Pool) (*Bound, error) {
	if err := model.Fits(m.Types, m.Edges, g); err != nil {
		return nil, err
	}
	b := &Bound{m, &made{graph: g, rule: rule, keep: tensor.NewTape(pool), tables: make([]*rows, len(m.Types)), chains: map[string]*chain{}, above: map[string][]int32{}, given: given}}
	b.keep.Train = false
	for t, f := range m.feature {
		if f == nil {
			continue
		}
		var ranks func(row int32, to []tensor.Real) bool
		if given.Ranks != nil {
			ranks = func(row int32, to []tensor.Real) bool { return given.Ranks(t, row, to) }
		}
		var err error
		if b.tables[t], err = f.read(b.keep, g.Snap.Tables[t], ranks); err != nil {
			return nil, err
		}
	}
	for s := range m.plan.states {
		p := &m.plan.states[s]
		b.lists = append(b.lists, newList(b.chain(p), g.Snap.Tables[p.to].Rows, rule))
	}
	for l := 1; l <= m.Config.Layers; l++ {
		for _, s := range m.senders[l] {
			if s != nil {
				b.lookUp(s)
			}
		}
	}
	return b, nil
}

// Ranks encodes rows of table number t, all of each time, and tells the ranks of each among
// those of its time; of a table without ranks nothing.
func (m *Model) Ranks(t int, table *ingest.Table, pool *tensor.Pool, tell func(row int32, ranks []tensor.Real)) error {
	f := m.feature[t]
	if f == nil || len(f.ranked) == 0 {
		return nil
	}
	r, err := f.read(tensor.NewTape(pool), table, nil)
	if err != nil {
		return err
	}
	for row := range table.Rows {
		tell(int32(row), r.x.Row(row)[f.width-len(f.ranked):])
	}
	return nil
}

// Ranking lists the tables whose rows are ranked.
func (m *Model) Ranking() (tables []int) {
	for t, f := range m.feature {
		if f != nil && len(f.ranked) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}

// told is what a reader makes of the sums of a state: the decayed means of features with log
// counts and the days since the youngest row, and the decayed means of messages of a layer.
func (b *Bound) told(layer, state int, sums []float64, since float64) []tensor.Real {
	width, p := b.feature[b.plan.states[state].from].width, b.priors[layer][state]
	n := width + b.Config.Width + 1
	var raw, learned []tensor.Real
	for r := range b.Config.HalfLives {
		s := sums[r*n:][:n]
		count := s[n-1]
		for _, v := range s[:width] {
			raw = append(raw, tensor.Real(v/(count+rawPrior)))
		}
		raw = append(raw, tensor.Real(math.Log(count+0.05)))
		w := math.Log1p(math.Exp(float64(p.weight.Value.Data[r])))
		for j, v := range s[width : n-1] {
			learned = append(learned, tensor.Real((v+w*float64(p.mean.Value.Data[j]))/(count+w)))
		}
	}
	return append(append(raw, tensor.Real(math.Log1p(since)/4)), learned...)
}

// nothing is what a reader makes of a state without rows.
func (b *Bound) nothing(layer, state int) []tensor.Real {
	n := b.feature[b.plan.states[state].from].width + b.Config.Width + 1
	return b.told(layer, state, make([]float64, n*len(b.Config.HalfLives)), noneDays)
}

// readWidth is the number of numbers that [Bound.told] gives.
func (m *Model) readWidth(state int) int {
	return m.rawWidth(state) + len(m.Config.HalfLives)*m.Config.Width
}

// stop asks for the sums after so many events of an ancestor, as of an instant.
type stop struct {
	at    int64
	count int32
	row   int32 // who asks
}

// foldRows is how many messages are in memory at a time. It is a variable for tests only.
var foldRows = 4096

// fold adds up the events of ancestors one after the other, in the order of time and in blocks
// of rows, so that an ancestor may have any number of them, and tells what stands at the stops
// of each, which ascend.
func (b *Bound) fold(layer, state int, tops []int32, stops func(top int32) []stop, tell func(s stop, values []tensor.Real)) {
	l, from := b.lists[state], b.plan.states[state].from
	width := b.feature[from].width
	n, tape := width+b.Config.Width+1, tensor.NewTape(b.keep.Pool())
	tape.Train = false
	asked := make([][]stop, len(tops))
	var events []int32 // that are needed, of one ancestor after the other
	for i, top := range tops {
		asked[i] = stops(top)
		if k := len(asked[i]); k > 0 {
			for e := range asked[i][k-1].count {
				events = append(events, l.ptr[top]+e)
			}
		}
	}
	var x, m tensor.Mat
	sums, out := make([]float64, n*len(b.Config.HalfLives)), make([]float64, n*len(b.Config.HalfLives))
	at := 0
	add := func(e int32) {
		if at%foldRows == 0 {
			part := events[at:min(at+foldRows, len(events))]
			rows := make([]int32, len(part))
			for i, e := range part {
				rows[i] = l.row[e]
			}
			tape.Reset()
			x, m = tape.GatherRows(tape.Const(b.tables[from].x), rows).Val, b.sendRows(tape, layer, from, rows).Val
		}
		own, sent := x.Row(at%foldRows), m.Row(at%foldRows)
		at++
		for r, h := range b.Config.HalfLives {
			s, left, sign := sums[r*n:][:n], math.Exp2(-float64(l.gap[e])/h), 1.0
			if l.span != nil && l.span[e] >= 0 { // what is left of a row that ends
				sign = -math.Exp2(-float64(l.span[e]) / dayMicros / h)
			}
			for j, v := range own {
				s[j] = s[j]*left + sign*float64(v)
			}
			for j, v := range sent {
				s[width+j] = s[width+j]*left + sign*float64(v)
			}
			s[n-1] = s[n-1]*left + sign
		}
	}
	for i, top := range tops {
		clear(sums)
		done := int32(0)
		for _, s := range asked[i] {
			for ; done < s.count; done++ {
				add(l.ptr[top] + done)
			}
			last := int32(-1)
			if done > 0 {
				last = l.ptr[top] + done - 1
			}
			for r, h := range b.Config.HalfLives {
				left := math.Exp2(-float64(l.age(last, s.at)) / h)
				for j := range n {
					out[r*n+j] = left * sums[r*n+j]
				}
			}
			tell(s, b.told(layer, state, out, float64(l.since(last, s.at))))
		}
	}
}

// sendRows makes the messages of some rows: rows x width.
func (b *Bound) sendRows(t *tensor.Tape, layer, table int, rows []int32) *tensor.Var {
	s := b.senders[layer][table]
	x, own := t.GatherRows(t.Const(b.tables[table].x), rows), s.own.Var(t)
	var read []tensor.GatherTerm
	if layer > 1 {
		own = t.SliceRows(own, 0, b.feature[table].width)
		for i, r := range s.reads {
			adds := t.Alloc(len(rows), b.Config.Width)
			none := b.adds(layer, table, i, b.nothing(layer-1, r.state))
			for k, row := range rows {
				if !b.given.Reads(layer, table, row, r.path.name, b.plan.states[r.state].name, adds.Row(k)) {
					copy(adds.Row(k), none)
				}
			}
			read = append(read, tensor.GatherTerm{X: t.Const(adds)})
		}
	}
	terms := []tensor.GatherTerm{{X: t.Linear(x, own, s.bias.Var(t), tensor.Identity)}}
	for _, up := range s.ups {
		above := make([]int32, len(rows))
		for i, row := range rows {
			above[i] = b.above[up.path.name][row]
		}
		terms = append(terms, tensor.GatherTerm{X: t.MatMul(t.GatherRows(t.Const(b.tables[up.path.to].x), above), up.by.Var(t))})
	}
	terms = append(terms, read...)
	return t.Activate(t.GatherSum(len(rows), terms...), tensor.ReLU)
}

// adds is what reading number i adds to a message before it is cut off at 0: far fewer numbers
// than are read.
func (b *Bound) adds(layer, table, i int, values []tensor.Real) []tensor.Real {
	s, from := b.senders[layer][table], b.feature[table].width
	for _, r := range s.reads[:i] {
		from += b.rawWidth(r.state)
	}
	out := make([]float64, b.Config.Width)
	raw := b.rawWidth(s.reads[i].state)
	for k, v := range values {
		w := s.own.Value.Row(min(from+k, s.own.Value.Rows-1))
		if k >= raw {
			w = s.reads[i].by.Value.Row(k - raw)
		}
		for j := range out {
			out[j] += float64(v) * float64(w[j])
		}
	}
	short := make([]tensor.Real, len(out))
	for j, v := range out {
		short[j] = tensor.Real(v)
	}
	return short
}

// At tells what a query reads of each state of some rows of a table at an instant.
func (b *Bound) At(table int, tops []int32, at int64, tell func(top int32, state string, values []tensor.Real)) {
	moment := b.rule.Moment(at)
	for _, k := range b.plan.into[table] {
		l := b.lists[k]
		stops := func(top int32) []stop {
			return []stop{{at, int32(moment.Count(l.when[l.ptr[top]:l.ptr[top+1]])), top}}
		}
		b.fold(b.Config.Layers, k, tops, stops, func(s stop, values []tensor.Real) { tell(s.row, b.plan.states[k].name, values) })
	}
}

// Before tells what the states of those of their parents that are among tops add to messages of
// rows in the layer above: as of strictly before each row.
func (b *Bound) Before(layer int, tops []int32, to int, tell func(table int, row int32, path, state string, values []tensor.Real)) {
	strict := ingest.TimeRule{Strict: true}
	for table, s := range b.senders[layer+1] {
		if s == nil {
			continue
		}
		below := map[string]map[int32][]stop{} // by path
		for i, r := range s.reads {
			if r.path.to != to {
				continue
			}
			if below[r.path.name] == nil {
				below[r.path.name] = b.readers(table, r.path)
			}
			l, readers := b.lists[r.state], below[r.path.name]
			stops := func(top int32) []stop {
				out := readers[top]
				for i := range out {
					out[i].count = int32(strict.Moment(out[i].at).Count(l.when[l.ptr[top]:l.ptr[top+1]]))
				}
				return out
			}
			b.fold(layer, r.state, tops, stops, func(s stop, values []tensor.Real) {
				tell(table, s.row, r.path.name, b.plan.states[r.state].name, b.adds(layer+1, table, i, values))
			})
		}
	}
}

// readers are the rows of a table below each of their parents, in the order of time.
func (b *Bound) readers(table int, p *path) map[int32][]stop {
	out, c, t := map[int32][]stop{}, b.chain(p), b.graph.Snap.Tables[table]
	for row := range int32(t.Rows) {
		at := t.TimeOf(row)
		if at == ingest.Always || at == ingest.Never {
			continue
		}
		if up := c.ancestor(b.graph.Snap.Tables[p.to], ingest.TimeRule{}, row, at); up >= 0 {
			out[up] = append(out[up], stop{at: at, row: row})
		}
	}
	for _, stops := range out {
		slices.SortFunc(stops, func(x, y stop) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.row, y.row)) })
	}
	return out
}

// givenAnswer is [Scorer.answer] over a part, whose states are given.
func (b *Bound) givenAnswer(t *tensor.Tape, queries []model.Query) tensor.Mat {
	parts, learned := []*tensor.Var{b.extras(t, queries)}, []*tensor.Var{}
	for i := range b.plan.slots {
		s := &b.plan.slots[i]
		rows := b.seedRows(s, queries, nil)
		if s.via < 0 {
			parts = append(parts, t.GatherRows(t.Const(b.tables[s.table].x), rows))
		}
		for _, k := range b.plan.into[s.table] {
			raw, means := t.Alloc(len(rows), b.rawWidth(k)), t.Alloc(len(rows), len(b.Config.HalfLives)*b.Config.Width)
			to := make([]tensor.Real, b.readWidth(k))
			for i, row := range rows {
				if row < 0 || !b.given.States(s.table, row, b.plan.states[k].name, to) {
					to = b.nothing(b.Config.Layers, k)
				}
				copy(raw.Row(i), to)
				copy(means.Row(i), to[raw.Cols:])
			}
			parts, learned = append(parts, t.Const(raw)), append(learned, t.Const(means))
		}
	}
	if len(learned) == 0 {
		learned = append(learned, t.Const(t.Alloc(len(queries), 0)))
	}
	return b.outputs(t, b.normalise(t, t.ConcatCols(parts...), 0), b.normalise(t, t.ConcatCols(learned...), b.width[0])).Val
}
