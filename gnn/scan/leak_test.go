package scan

import (
	"bytes"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/ingest"
)

// Rows that come to be known after the cut may be altered, deleted and added: neither the
// network that the rows up to the cut give nor any prediction up to it changes by a bit.
func TestScore_future(t *testing.T) {
	const cut = 50 * day
	for seed := range uint64(12) {
		rule := ingest.TimeRule{Strict: seed%2 == 1}
		before := draw(seed, 1)
		after := before.after(seed+100, rule, cut)
		g, g2 := before.graph(t), after.graph(t)
		m := network(t, config(2), g, rule, cut)
		if !bytes.Equal(written(t, m), written(t, network(t, config(2), g2, rule, cut))) {
			t.Fatalf("world %d: rows after the cut change the network", seed)
		}
		var q, q2 []model.Query
		for _, x := range queries(54, 9) {
			if r := before[drivers][x.Row]; rule.Visible(r.at, x.Cut) {
				moved := x
				moved.Row = after.row(drivers, r.id)
				q, q2 = append(q, x), append(q2, moved)
			}
		}
		b, b2 := bind(t, m, g, rule, 1), bind(t, m, g2, rule, 2)
		if !slices.Equal(score(t, b, q).Data, score(t, b2, q2).Data) {
			t.Errorf("world %d: rows after the cut change predictions", seed)
		}
		for i := range q {
			q[i].Cut, q2[i].Cut = cut+30*day, cut+30*day
		}
		if slices.Equal(score(t, b, q).Data, score(t, b2, q2).Data) {
			t.Errorf("world %d: predictions that may read the later rows do not change with them", seed)
		}
	}
}

// Rows of one time do not see one another: altering a result changes the inputs of no other
// result of the same instant, and those of later results of its driver.
func TestInputs_sameTime(t *testing.T) {
	w := draw(3, 3)
	rule := ingest.TimeRule{}
	m := network(t, config(2), w.graph(t), rule, 90*day)
	m.Ranked = make([]bool, len(m.Types)) // ranks compare the columns of rows of one time, on purpose
	if err := m.build(5); err != nil {
		t.Fatal(err)
	}
	same, later := 0, 0
	for i, r := range w[results] {
		if r.at == ingest.Never || r.links[0] == 0 {
			continue
		}
		changed := slices.Clone(w)
		changed[results] = slices.Clone(w[results])
		changed[results][i].number, changed[results][i].null = r.number+3, false
		x := bind(t, m, w.graph(t), rule, 1).inputs[results].Val
		y := bind(t, m, changed.graph(t), rule, 1).inputs[results].Val
		for j, o := range w[results] {
			moved := !slices.Equal(x.Row(j), y.Row(j))
			switch {
			case j == i:
			case o.at <= r.at && moved:
				t.Fatalf("result %d at %d sees a change of result %d at %d", o.id, o.at, r.id, r.at)
			case o.at == r.at && o.links[0] == r.links[0]:
				same++
			case o.at != ingest.Never && o.at > r.at && o.links[0] == r.links[0] && w[drivers][w.row(drivers, r.links[0])].at <= o.at:
				if !moved {
					t.Errorf("result %d at %d does not see a change of result %d at %d", o.id, o.at, r.id, r.at)
				}
				later++
			}
		}
		if i == 40 {
			break
		}
	}
	if same < 2 || later < 20 {
		t.Errorf("%d pairs of one driver and time, %d pairs in turn: too few to tell", same, later)
	}
}

func written(t *testing.T, m *Model) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := m.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
