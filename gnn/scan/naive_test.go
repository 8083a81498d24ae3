package scan

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// naive computes outputs from the equations: a sum over all rows for every reading, and
// the messages of parents by recursion.
type naive struct {
	*Bound
	memo   map[[3]int][]float64
	hidden int // the state that the entity of a query has no rows of, -1 for none
}

// climb follows a path from a row as an instant sees it: the time since which the row and
// all between it and the ancestor are known, and the ancestor; ok is false where one of
// them is not visible or missing.
func (n *naive) climb(p *path, row int32, rule ingest.TimeRule, at int64) (known int64, up int32, ok bool) {
	known, up = ingest.Always, row
	for _, e := range p.steps {
		t := n.graph.Snap.Tables[n.graph.Edges[e].Dst]
		if !t.VisibleAt(rule, up, at) {
			return 0, -1, false
		}
		if s := t.TimeOf(up); s != ingest.Always {
			known = max(known, s)
		}
		if up = n.graph.Parents(e)[up]; up < 0 {
			return 0, -1, false
		}
	}
	return known, up, true
}

// read sums up what ancestor anc reads of a state at an instant: sums and counts by rate,
// and the time of the youngest row and its number, -1 for none.
func (n *naive) read(state int, anc int32, rule ingest.TimeRule, at int64, message func(row int32) []float64, width int) (sums [][]float64, counts []float64, last int64, youngest int32) {
	p, seen := &n.plan.states[state], at
	if rule.Strict && !n.rule.Strict {
		rule, seen = ingest.TimeRule{}, at-1 // the instant before: what ends at the instant is there
	}
	last, youngest = ingest.Always, -1
	for range n.Config.HalfLives {
		sums, counts = append(sums, make([]float64, width)), append(counts, 0)
	}
	for row := range int32(n.graph.Snap.Tables[p.from].Rows) {
		known, up, ok := n.climb(p, row, rule, seen)
		if !ok || anc < 0 || up != anc {
			continue
		}
		if youngest < 0 || known >= last {
			last, youngest = known, row
		}
		age := 0.0
		if known != ingest.Always {
			age = float64(at-known) / dayMicros
		}
		m := message(row)
		for k, h := range n.Config.HalfLives {
			e := math.Exp2(-age / h)
			counts[k] += e
			for j, v := range m {
				sums[k][j] += e * v
			}
		}
	}
	return sums, counts, last, youngest
}

// raw is the readout of the features of a state's rows.
func (n *naive) raw(state int, anc int32, rule ingest.TimeRule, at int64) []float64 {
	r := n.tables[n.plan.states[state].from]
	sums, counts, last, youngest := n.read(state, anc, rule, at, func(row int32) []float64 { return wide(r.x.Row(int(row))) }, r.width)
	var out []float64
	for k := range counts {
		for _, s := range sums[k] {
			out = append(out, s/(counts[k]+rawPrior))
		}
		out = append(out, math.Log(counts[k]+0.05))
	}
	since := float64(noneDays)
	if youngest >= 0 {
		since = 0
		if last != ingest.Always {
			since = float64(at-last) / dayMicros
		}
	}
	return append(out, math.Log1p(since)/4)
}

// learned is the readout of the messages of layer l.
func (n *naive) learned(l, state int, anc int32, rule ingest.TimeRule, at int64) []float64 {
	p, d := n.priors[l][state], n.Config.Width
	from := n.plan.states[state].from
	sums, counts, _, _ := n.read(state, anc, rule, at, func(row int32) []float64 { return n.message(l, from, row) }, d)
	var out []float64
	for k := range counts {
		w := math.Log1p(math.Exp(float64(p.weight.Value.Data[k])))
		for j, s := range sums[k] {
			out = append(out, (s+w*float64(p.mean.Value.Data[j]))/(counts[k]+w))
		}
	}
	return out
}

// message is that of a row in layer l.
func (n *naive) message(l, table int, row int32) []float64 {
	key := [3]int{l, table, int(row)}
	if m, ok := n.memo[key]; ok {
		return m
	}
	r, s := n.tables[table], n.senders[l][table]
	at, now, strict := r.table.TimeOf(row), ingest.TimeRule{}, ingest.TimeRule{Strict: true}
	x := wide(r.x.Row(int(row)))
	m := wide(s.bias.Value.Data)
	for _, read := range s.reads {
		_, up, ok := n.climb(read.path, row, now, at)
		if !ok || at == ingest.Always || !n.graph.Snap.Tables[read.path.to].VisibleAt(now, up, at) {
			up = -1
		}
		x = append(x, n.raw(read.state, up, strict, at)...)
		addProduct(m, n.learned(l-1, read.state, up, strict, at), read.by.Value)
	}
	addProduct(m, x, s.own.Value)
	for _, up := range s.ups {
		_, anc, ok := n.climb(up.path, row, now, at)
		if to := n.tables[up.path.to]; ok && to.table.VisibleAt(now, anc, at) {
			addProduct(m, wide(to.x.Row(int(anc))), up.by.Value)
		}
	}
	for j := range m {
		m[j] = max(m[j], 0)
	}
	n.memo[key] = m
	return m
}

// outputs are those of one query.
func (n *naive) outputs(q model.Query) []float64 {
	fixed := wide(n.extras(tensor.NewTape(tensor.NewPool(1)), []model.Query{q}).Val.Data)
	var learned []float64
	for i, s := range n.plan.slots {
		row := q.Row
		if s.via == n.hidden && s.via >= 0 {
			row = -1
		} else if s.via >= 0 {
			_, _, _, row = n.read(s.via, q.Row, n.rule, q.Cut, func(int32) []float64 { return nil }, 0)
		}
		if s.up != nil && row >= 0 {
			_, up, ok := n.climb(s.up, row, n.rule, q.Cut)
			if row = up; !ok || !n.tables[s.table].table.VisibleAt(n.rule, up, q.Cut) {
				row = -1
			}
		}
		own := make([]float64, n.feature[s.table].width)
		if row >= 0 {
			own = wide(n.tables[s.table].x.Row(int(row)))
		}
		if s.via < 0 {
			fixed = append(fixed, own...)
		}
		for _, k := range n.plan.into[s.table] {
			row := row
			if i == 0 && k == n.hidden {
				row = -1
			}
			fixed = append(fixed, n.raw(k, row, n.rule, q.Cut)...)
			learned = append(learned, n.learned(n.Config.Layers, k, row, n.rule, q.Cut)...)
		}
	}
	out := wide(n.bias.Value.Data)
	addProduct(out, n.scaled(fixed, 0), n.head[0].Value)
	addProduct(out, n.scaled(learned, len(fixed)), n.head[1].Value)
	return out
}

func (n *naive) scaled(x []float64, at int) []float64 {
	out := make([]float64, len(x))
	for j, v := range x {
		mean, variance := float64(n.norm[0].Value.Data[at+j]), float64(n.norm[1].Value.Data[at+j])
		if variance >= stillness {
			out[j] = max(-readLimit, min(readLimit, (v-mean)/math.Sqrt(variance+readEps)))
		}
	}
	return out
}

func wide(x []tensor.Real) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func addProduct(to, x []float64, w tensor.Mat) {
	for i, v := range x {
		for j := range to {
			to[j] += v * float64(w.At(i, j))
		}
	}
}

// double says that the engine is built with the tag real64.
func double() bool { return tensor.Real(1)+1e-10 != 1 }

// Scans, chunks and shared passes give what the equations give, row by row.
func TestScore_isTheRecursion(t *testing.T) {
	tolerance := 2e-4
	if double() {
		tolerance = 1e-9
	}
	for seed := range uint64(6) {
		for layers := 1; layers <= 3; layers++ {
			rule := ingest.TimeRule{Strict: seed%2 == 1}
			w := draw(seed, 1)
			g := w.graph(t)
			b := bind(t, network(t, config(layers), g, rule, 60*day), g, rule, 2)
			q := queries(18, 9)
			for i := range q {
				q[i].Cut += int64(i%3) * 20 * day
			}
			// Statistics of a readout come from training.
			b.NewTraining(q, nil).Forward(0)
			n, got := naive{b, map[[3]int][]float64{}, -1}, score(t, b, q)
			for i := range q {
				for c, want := range n.outputs(q[i]) {
					if v := float64(got.At(i, c)); !(math.Abs(v-want) <= tolerance*max(1, math.Abs(want))) {
						t.Fatalf("world %d, %d layers: output %d of query %d is %v, by the equations %v", seed, layers, c, i, v, want)
					}
				}
			}
		}
	}
}
