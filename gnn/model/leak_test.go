package model

import (
	"bytes"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// TestForward_future holds the rule that everything else rests on: rows that come to be
// known after the cut may be altered, deleted and added, which renumbers the rows of
// every table with time, and neither the statistics of the encoders nor any prediction
// changes by a bit.
func TestForward_future(t *testing.T) {
	const cut = 50 * day
	eachVariant(t, func(t *testing.T, c Config) {
		for seed := range uint64(6) {
			rule := ingest.TimeRule{Strict: seed%2 == 1}
			before := world(seed, 1)
			after, number := alterFuture(before, draws(seed+100), rule, cut)
			g, g2 := mustGraph(t, before), mustGraph(t, after)
			m := mustNew(t, c, g, 40*day)
			if !bytes.Equal(written(t, m), written(t, mustNew(t, c, g2, 40*day))) {
				t.Fatalf("world %d: rows after the cut change the statistics of the encoders", seed)
			}
			var q, q2, late []Query
			for _, x := range queries(60, 12) {
				if rule.Visible(g.Snap.Tables[drivers].Times[x.Row], x.Cut) {
					moved := x
					moved.Row = number[drivers][x.Row]
					q, q2 = append(q, x), append(q2, moved)
					moved.Cut = cut + 40*day
					late = append(late, moved)
				}
			}
			want, got := score(t, mustBind(t, m, g, 1), rule, q), score(t, mustBind(t, m, g2, 2), rule, q2)
			if !slices.Equal(got.Data, want.Data) {
				t.Errorf("world %d: rows after the cut change predictions", seed)
			}
			for i := range late {
				q[i].Cut = late[i].Cut
			}
			if slices.Equal(score(t, mustBind(t, m, g, 1), rule, q).Data, score(t, mustBind(t, m, g2, 1), rule, late).Data) {
				t.Errorf("world %d: predictions that may read the later rows do not change with them", seed)
			}
		}
	})
}

func score(t *testing.T, b *Bound, rule ingest.TimeRule, q []Query) tensor.Mat {
	t.Helper()
	s, err := b.NewScorer(rule, tensor.NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Score(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func written(t *testing.T, m *Model) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := m.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// alterFuture copies the tables with their rows that are not visible at the cut deleted
// or altered, and rows of the future added anywhere. It returns the new number of each
// old row, -1 for deleted ones. Tables without time stay as they are.
func alterFuture(specs []spec, g generator, rule ingest.TimeRule, cut int64) (out []spec, number [][]int32) {
	old := make([][]int32, len(specs)) // old number of each new row; -1 for added ones
	number = make([][]int32, len(specs))
	for i := range specs {
		s := &specs[i]
		times := s.times(s.time)
		for row := range int32(s.rows()) {
			if times != nil {
				for range g.IntN(3) {
					old[i] = append(old[i], -1)
				}
			}
			if times != nil && !rule.Visible(times[row], cut) && g.IntN(2) == 0 {
				number[i] = append(number[i], -1)
				continue
			}
			number[i] = append(number[i], int32(len(old[i])))
			old[i] = append(old[i], row)
		}
	}
	for i := range specs {
		out = append(out, alterTable(&specs[i], g, rule, cut, old[i]))
		for _, l := range specs[i].links {
			parents := make([]int32, len(old[i]))
			for j, row := range old[i] {
				if row < 0 || altered(&specs[i], rule, cut, row) {
					parents[j] = int32(g.IntN(len(old[l.to])+1)) - 1
				} else if parents[j] = l.parents[row]; parents[j] >= 0 {
					parents[j] = number[l.to][parents[j]]
				}
			}
			out[i].links = append(out[i].links, linkSpec{l.name, l.to, parents})
		}
	}
	return out, number
}

// altered says whether the row is one of the future, of which nothing stays but its key.
func altered(s *spec, rule ingest.TimeRule, cut int64, row int32) bool {
	times := s.times(s.time)
	return times != nil && !rule.Visible(times[row], cut)
}

// alterTable returns the columns of a table with the given rows.
func alterTable(s *spec, g generator, rule ingest.TimeRule, cut int64, old []int32) spec {
	out := spec{name: s.name, time: s.time, until: s.until}
	for _, c := range s.cols {
		n := colSpec{c.name, c.kind, c.sem, make([]any, len(old))}
		for j, row := range old {
			switch {
			case row >= 0 && (c.name == "id" || !altered(s, rule, cut, row) && c.name != s.until):
				n.values[j] = c.values[row]
			case c.name == "id":
				n.values[j] = 1_000_000 + j // sorts elsewhere; the order of rows is that of old
			case c.name == s.time:
				n.values[j] = g.future(rule, cut)
			case c.name == s.until && row >= 0 && c.values[row] != nil && int64(c.values[row].(int)) <= cut:
				n.values[j] = c.values[row]
			case c.name == s.until: // the end of a row may become known later
				n.values[j] = g.future(ingest.TimeRule{}, cut)
			default:
				n.values[j] = g.strange(c.kind)
			}
		}
		out.cols = append(out.cols, n)
	}
	return out
}

// future is a time that is not visible at the cut.
func (g generator) future(rule ingest.TimeRule, cut int64) any {
	switch {
	case g.IntN(8) == 0:
		return nil
	case g.IntN(8) == 0 && rule.Strict:
		return int(cut)
	}
	return int(cut) + 1 + g.IntN(60*day)
}

// strange is a value unlike those of the past.
func (g generator) strange(kind schema.Kind) any {
	switch {
	case g.IntN(5) == 0:
		return nil
	case kind == schema.Float:
		return 1e6 * g.Float64()
	case kind == schema.Text:
		return "black ice"
	case kind == schema.Bool:
		return true
	}
	return g.IntN(300 * day)
}
