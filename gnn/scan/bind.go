package scan

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
)

// Bound is a model with the rows of one snapshot, which [Bound.NewScorer] and
// [Bound.NewTraining] run through again after every change of the parameters.
type Bound struct {
	*Model
	*made
}

// made is what does not depend on parameters, so that the members of an ensemble share it:
// the features of rows and their states, the events of every state in the order of time,
// and what each row reads of its parents.
type made struct {
	graph  *graph.Graph
	rule   ingest.TimeRule
	keep   *tensor.Tape // memory of all that is made once
	tables []*rows      // per table; nil like Encoder
	chains map[string]*chain
	above  map[string][]int32 // per path: ancestor of each row as the row sees it at its own time, -1 for none
	lists  []*list            // per state
	raw    []*tensor.Var      // per state: states of features; nil where they are made block by block
	blocks bool               // states are made block by block; see [Model.bounded]
	inputs []*tensor.Var      // per table that sends in a layer above the first: features, and what parents had gathered
	reads  [][]moments        // per table: for each reading, where it reads
	given  *Given             // of a part of a database; see [Model.BindPart]
}

// moments is where the rows of a table read one state: the last event before each.
type moments struct {
	at  []int32
	age []tensor.Real
}

var _ model.BoundNetwork = (*Bound)(nil)

// Over implements [model.BoundNetwork].
func (b *Bound) Over() *graph.Graph { return b.graph }

// Bind reads the rows of g's snapshot. A graph whose tables, links or columns differ from
// those that m was trained on is an error that names the first difference.
func (m *Model) Bind(g *graph.Graph, rule ingest.TimeRule, pool *tensor.Pool) (*Bound, error) {
	if err := model.Fits(m.Types, m.Edges, g); err != nil {
		return nil, err
	}
	b := &Bound{m, &made{graph: g, rule: rule, keep: tensor.NewTape(pool), tables: make([]*rows, len(m.Types)), chains: map[string]*chain{}, above: map[string][]int32{}}}
	b.keep.Train, b.blocks = false, m.bounded(g)
	for t, f := range m.feature {
		if f == nil {
			continue
		}
		var err error
		if b.tables[t], err = f.read(b.keep, g.Snap.Tables[t], nil); err != nil {
			return nil, err
		}
		if n := g.Snap.Tables[t].Rows; n > math.MaxInt32/2 {
			return nil, fmt.Errorf("table %q has %d rows, more than the layer scan can number", m.Types[t], n)
		}
	}
	for s := range m.plan.states {
		p := &m.plan.states[s]
		l := newList(b.chain(p), g.Snap.Tables[p.to].Rows, rule)
		b.lists = append(b.lists, l)
		if b.blocks {
			continue
		}
		b.raw = append(b.raw, b.states(b.keep, l, b.withOnes(b.keep, b.keep.Const(b.tables[p.from].x))))
	}
	b.inputs, b.reads = make([]*tensor.Var, len(m.Types)), make([][]moments, len(m.Types))
	for t := range m.Types {
		b.readParents(t)
		for l := 1; l <= m.Config.Layers; l++ {
			if s := m.senders[l][t]; s != nil {
				b.lookUp(s)
			}
		}
	}
	return b, nil
}

// BindLike is [Model.Bind] that shares what other made, which may be nil, if the two
// networks differ in nothing but parameters and are bound to the same graph.
func (m *Model) BindLike(other *Bound, g *graph.Graph, rule ingest.TimeRule, pool *tensor.Pool) (*Bound, error) {
	if other != nil && other.graph == g && other.rule == rule && m.plans(other.Model) {
		return &Bound{m, other.made}, nil
	}
	return m.Bind(g, rule, pool)
}

// plans reports whether both networks read the same of the same rows.
func (m *Model) plans(other *Model) bool {
	a, b := m.Config, other.Config
	a.Dropout, b.Dropout, a.Outputs, b.Outputs = 0, 0, 0, 0
	return m.Entity == other.Entity && reflect.DeepEqual(a, b) && reflect.DeepEqual(m.Encoder, other.Encoder) && slices.Equal(m.Types, other.Types) &&
		slices.Equal(m.Edges, other.Edges) && slices.Equal(m.States, other.States) && slices.Equal(m.Ranked, other.Ranked) && slices.EqualFunc(m.Levels, other.Levels, slices.Equal)
}

// lookUp finds the ancestors whose features the rows of a table read.
func (b *Bound) lookUp(s *sender) {
	for _, up := range s.ups {
		p := up.path
		if b.above[p.name] != nil {
			continue
		}
		table, to, c := b.graph.Snap.Tables[p.from], b.graph.Snap.Tables[p.to], b.chain(p)
		rows := make([]int32, table.Rows)
		b.keep.Pool().Run(len(rows), 4096, func(lo, hi int) {
			for row := lo; row < hi; row++ {
				rows[row] = c.ancestor(to, ingest.TimeRule{}, int32(row), table.TimeOf(int32(row)))
			}
		})
		b.above[p.name] = rows
	}
}

// chain follows a path once.
func (b *Bound) chain(p *path) *chain {
	if c := b.chains[p.name]; c != nil {
		return c
	}
	c := chainOf(b.graph, *p)
	b.chains[p.name] = &c
	return &c
}

// rates are the decays per day, 1 x rates.
func (b *Bound) rates(t *tensor.Tape) *tensor.Var {
	m := t.Alloc(1, len(b.Config.HalfLives))
	for k, h := range b.Config.HalfLives {
		m.Data[k] = tensor.Real(math.Ln2 / h)
	}
	return t.Const(m)
}

// withOnes adds a column of ones, which counts.
func (b *Bound) withOnes(t *tensor.Tape, x *tensor.Var) *tensor.Var {
	ones := t.Alloc(x.Rows(), 1)
	for i := range ones.Data {
		ones.Data[i] = 1
	}
	return t.ConcatCols(x, t.Const(ones))
}

// states adds up the messages of a table's rows, whose last column counts: the state
// after every event of a list.
func (b *Bound) states(t *tensor.Tape, l *list, messages *tensor.Var) *tensor.Var {
	rates := b.rates(t)
	if l.span == nil {
		return t.DecayScan(t.GatherRows(messages, l.row), l.ptr, l.gap, rates)
	}
	// What is left of a message at the end of its row is taken away: one rate at a time,
	// since it depends on the rate.
	ends, at := l.ends(messages.Rows())
	heads := make([]*tensor.Var, rates.Cols())
	for k := range heads {
		rate := t.SliceCols(rates, k, k+1)
		left := t.Scale(t.DecayRead(messages, ends.at, ends.age, rate), -1)
		heads[k] = t.DecayScan(t.GatherRows(t.ConcatRows(messages, left), at), l.ptr, l.gap, rate)
	}
	return t.ConcatCols(heads...)
}

// ends lists the endings of a list: the rows and how long they lasted, and for every event
// the position of its message among those of rows, which begin, and endings.
func (l *list) ends(rows int) (ends moments, at []int32) {
	at = make([]int32, len(l.row))
	for i, span := range l.span {
		at[i] = l.row[i]
		if span >= 0 {
			at[i] = int32(rows + len(ends.at))
			ends.at = append(ends.at, l.row[i])
			ends.age = append(ends.age, tensor.Real(float64(span)*(1.0/dayMicros)))
		}
	}
	return ends, at
}

// readParents finds where the rows of a table read their parents' states, strictly before
// their own time, and reads the states of features there.
func (b *Bound) readParents(t int) {
	var s *sender
	for l := 2; l <= b.Config.Layers; l++ {
		if b.senders[l][t] != nil {
			s = b.senders[l][t] // the readings of all layers are the same
		}
	}
	if s == nil {
		return
	}
	parts := []*tensor.Var{b.keep.Const(b.tables[t].x)}
	for _, r := range s.reads {
		e, since := b.before(t, r.path, b.lists[r.state])
		b.reads[t] = append(b.reads[t], e)
		parts = append(parts, b.rawMeans(b.keep, r.state, e, since))
	}
	b.inputs[t] = b.keep.ConcatCols(parts...)
}

// before finds for every row of a table the last event of its parent strictly before the
// row's own time, and the days since the youngest row then.
func (b *Bound) before(t int, p *path, l *list) (e moments, since []tensor.Real) {
	table, to, c := b.graph.Snap.Tables[t], b.graph.Snap.Tables[p.to], b.chain(p)
	e.at, e.age, since = make([]int32, table.Rows), make([]tensor.Real, table.Rows), make([]tensor.Real, table.Rows)
	strict := ingest.TimeRule{Strict: true}
	b.keep.Pool().Run(table.Rows, 1024, func(lo, hi int) {
		for row := int32(lo); row < int32(hi); row++ {
			at := table.TimeOf(row)
			e.at[row], since[row] = -1, noneDays
			if at == ingest.Always || at == ingest.Never {
				continue // a row without time is not before any other
			}
			up := c.ancestor(to, ingest.TimeRule{}, row, at)
			e.at[row] = l.after(up, strict.Moment(at))
			e.age[row], since[row] = l.age(e.at[row], at), l.since(e.at[row], at)
		}
	})
	return e, since
}

// age is the number of days from event i to an instant.
func (l *list) age(i int32, at int64) tensor.Real {
	if i < 0 {
		return 0
	}
	return days(at, l.when[i])
}

// rawPrior draws means of features towards 0, the middle of scaled columns, as if by so
// many rows more.
const rawPrior = 0.5

// rawMeans are the decayed means and log counts of the features of a state's rows at some
// events, and the days since the youngest row: reads x rawWidth.
func (b *Bound) rawMeans(t *tensor.Tape, state int, e moments, since []tensor.Real) *tensor.Var {
	rates, width := b.rates(t), b.feature[b.plan.states[state].from].width
	w := t.Alloc(1, rates.Cols())
	for k := range w.Data {
		w.Data[k] = rawPrior
	}
	last := t.Alloc(len(since), 1)
	for i, d := range since {
		last.Data[i] = tensor.Real(math.Log1p(float64(d)) / 4)
	}
	var made *tensor.Var
	if b.blocks {
		made, e = b.statesAt(t, state, e, b.features(state))
	} else {
		made = b.raw[state]
	}
	return t.ConcatCols(t.DecayMean(made, e.at, e.age, rates, t.Const(w), t.Const(t.Alloc(1, width)), true), t.Const(last))
}
