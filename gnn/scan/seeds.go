package scan

import (
	"math"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// extras is the number of inputs of a seed that are no rows: log(1 + days from the feature
// cut to the anchor), sine and cosine of the anchor's day of the year, and log(1 + days
// since the entity's own time).
const extras = 4

// seeds are queries with what they read: the part of the readout that does not depend on
// parameters, and where the rest is read.
type seeds struct {
	fixed *tensor.Var // seeds x width[0], as it is read
	reads []seedRead  // of messages, in the order of the readout
}

// seedRead is where seeds read one state.
type seedRead struct {
	state int
	moments
}

// seeds finds what queries read; the result lives on the tape. hidden names for each query
// a state that its entity has no rows of, -1 for none; nil hides nothing.
func (b *Bound) seeds(t *tensor.Tape, queries []model.Query, hidden []int) *seeds {
	out := &seeds{}
	parts := []*tensor.Var{b.extras(t, queries)}
	for i := range b.plan.slots {
		s := &b.plan.slots[i]
		rows := b.seedRows(s, queries, hidden)
		if s.via < 0 {
			parts = append(parts, t.GatherRows(t.Const(b.tables[s.table].x), rows))
		}
		for _, k := range b.plan.into[s.table] {
			e, since := b.upTo(b.lists[k], rows, queries)
			if i == 0 { // the entity itself
				e.hide(since, k, hidden)
			}
			parts = append(parts, b.rawMeans(t, k, e, since))
			out.reads = append(out.reads, seedRead{k, e})
		}
	}
	out.fixed = t.ConcatCols(parts...)
	return out
}

// hide makes the readings of a state those of an entity without rows where it is hidden.
func (e *moments) hide(since []tensor.Real, state int, hidden []int) {
	for i, h := range hidden {
		if h == state {
			e.at[i], e.age[i], since[i] = -1, 0, noneDays
		}
	}
}

// seedRows are the rows that a slot is about, -1 for none.
func (b *Bound) seedRows(s *slot, queries []model.Query, hidden []int) []int32 {
	rows := make([]int32, len(queries))
	for i, q := range queries {
		rows[i] = q.Row
		if s.via >= 0 {
			l := b.lists[s.via]
			rows[i] = l.youngest(l.after(q.Row, b.rule.Moment(q.Cut)))
			if hidden != nil && hidden[i] == s.via {
				rows[i] = -1
			}
		}
		if s.up != nil {
			rows[i] = b.chain(s.up).ancestor(b.graph.Snap.Tables[s.table], b.rule, rows[i], q.Cut)
		}
	}
	return rows
}

// upTo finds for every seed the last event of a row that the seed's cut sees.
func (b *Bound) upTo(l *list, rows []int32, queries []model.Query) (e moments, since []tensor.Real) {
	e.at, e.age, since = make([]int32, len(rows)), make([]tensor.Real, len(rows)), make([]tensor.Real, len(rows))
	for i, q := range queries {
		e.at[i] = l.after(rows[i], b.rule.Moment(q.Cut))
		e.age[i], since[i] = l.age(e.at[i], q.Cut), l.since(e.at[i], q.Cut)
	}
	return e, since
}

func (b *Bound) extras(t *tensor.Tape, queries []model.Query) *tensor.Var {
	m := t.Alloc(len(queries), extras)
	entity := b.graph.Snap.Tables[b.entity]
	for i, q := range queries {
		row := m.Row(i)
		row[0] = tensor.Real(math.Log1p(float64(days(q.Anchor, q.Cut))) / 4)
		sin, cos := math.Sincos(2 * math.Pi * float64(time.UnixMicro(q.Anchor).UTC().YearDay()) / 365.25)
		row[1], row[2] = tensor.Real(sin)/2, tensor.Real(cos)/2
		if at := entity.TimeOf(q.Row); at != ingest.Always && b.rule.Visible(at, q.Cut) {
			row[3] = tensor.Real(math.Log1p(float64(days(q.Cut, at))) / 4)
		}
	}
	return t.Const(m)
}

// messages reads the states of messages, which are made here where there are none: seeds x
// width[1].
func (s *seeds) messages(t *tensor.Tape, b *Bound, made states) *tensor.Var {
	parts := make([]*tensor.Var, len(s.reads))
	for i, r := range s.reads {
		of, e := (*tensor.Var)(nil), r.moments
		if made != nil {
			of = made[r.state]
		} else {
			of, e = b.statesAt(t, r.state, e, b.sent(r.state))
		}
		parts[i] = b.learnedMeans(t, b.priors[b.Config.Layers][r.state], of, e)
	}
	if len(parts) == 0 {
		return t.Const(t.Alloc(s.fixed.Rows(), 0))
	}
	return t.ConcatCols(parts...)
}
