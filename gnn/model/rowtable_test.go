package model

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

func mustTables(t testing.TB, b *Bound, o TableOptions) *RowTables {
	t.Helper()
	r, err := b.NewRowTables(context.Background(), o, tensor.NewPool(2))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scoreWith scores in shards that read tables.
func scoreWith(t testing.TB, b *Bound, r *RowTables, rule ingest.TimeRule, threads int, q []Query) tensor.Mat {
	t.Helper()
	s, err := b.NewShards(rule, tensor.NewPool(threads))
	if err != nil {
		t.Fatal(err)
	}
	s.Use(r)
	out, err := s.Score(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// skipWide skips what holds where a float32 table has the precision of the arithmetic.
func skipWide(t *testing.T) {
	if unsafe.Sizeof(tensor.Real(0)) != 4 {
		t.Skip("tables are float32, the arithmetic is float64")
	}
}

// Tables of float32 change no output by a bit, whether they hold all node types or some.
func TestRowTables_sameBits(t *testing.T) {
	skipWide(t)
	eachVariant(t, func(t *testing.T, c Config) {
		if c.Strategy != "latest" {
			return // tables have no part in sampling
		}
		for _, c.Plan = range []string{PlanPlain, PlanFactored} {
			g := mustGraph(t, world(1, 1))
			b := mustBind(t, mustNew(t, c, g, 40*day), g, 1)
			q := queries(50, 12)
			want := mustScore(t, b, q)
			all := mustTables(t, b, TableOptions{})
			some := mustTables(t, b, TableOptions{Budget: all.Bytes() / 2})
			none := mustTables(t, b, TableOptions{Budget: 1})
			if !all.Holds() || some.Holds() || some.Bytes() == 0 || none.Bytes() != 0 {
				t.Fatalf("%s plan: all holds %t, some %t and %d bytes, none %d", c.Plan, all.Holds(), some.Holds(), some.Bytes(), none.Bytes())
			}
			for _, r := range []*RowTables{all, some, none} {
				if got := scoreWith(t, b, r, ingest.TimeRule{}, 1, q); !slices.Equal(got.Data, want.Data) {
					t.Errorf("%s plan, tables of %s: other outputs", c.Plan, r)
				}
			}
		}
	})
}

// Shards put results in their places, at any number of threads.
func TestShards(t *testing.T) {
	skipWide(t)
	g := mustGraph(t, world(2, 20))
	b := mustBind(t, mustNew(t, Config{Outputs: 2, Width: 8, FanOut: []int{4, 3}}, g, 40*day), g, 1)
	q := queries(3*shardSeeds+7, 240)
	want := mustScore(t, b, q)
	for _, threads := range []int{1, 2, 4} {
		for _, r := range []*RowTables{nil, mustTables(t, b, TableOptions{})} {
			if got := scoreWith(t, b, r, ingest.TimeRule{}, threads, q); !slices.Equal(got.Data, want.Data) {
				t.Errorf("other outputs at %d threads, with tables %t", threads, r != nil)
			}
		}
	}
	s, err := b.NewShards(ingest.TimeRule{}, tensor.NewPool(2))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Score(ctx, q); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call gives %v", err)
	}
}

// Rows that come to be known after the cut change no output by a bit when tables hold
// the vectors of all rows, theirs too.
func TestRowTables_future(t *testing.T) {
	const cut = 50 * day
	for _, p := range []tensor.Format{tensor.Float32, tensor.Float16, tensor.BFloat16} {
		for seed := range uint64(6) {
			rule := ingest.TimeRule{Strict: seed%2 == 1}
			before := world(seed, 1)
			after, number := alterFuture(before, draws(seed+100), rule, cut)
			g, g2 := mustGraph(t, before), mustGraph(t, after)
			m := mustNew(t, Config{Width: 8, FanOut: []int{4, 2, 2}, Outputs: 2}, g, 40*day)
			var q, q2 []Query
			for _, x := range queries(60, 12) {
				if rule.Visible(g.Snap.Tables[drivers].Times[x.Row], x.Cut) {
					moved := x
					moved.Row = number[drivers][x.Row]
					q, q2 = append(q, x), append(q2, moved)
				}
			}
			b, b2 := mustBind(t, m, g, 1), mustBind(t, m, g2, 1)
			o := TableOptions{Format: p}
			want, got := scoreWith(t, b, mustTables(t, b, o), rule, 1, q), scoreWith(t, b2, mustTables(t, b2, o), rule, 2, q2)
			if !slices.Equal(got.Data, want.Data) {
				t.Errorf("world %d, %s: rows after the cut change predictions", seed, p)
			}
		}
	}
}

// Tables of 16 bits take half the memory and move outputs by little, but by something.
func TestRowTables_precision(t *testing.T) {
	g := mustGraph(t, world(2, 20))
	b := mustBind(t, mustNew(t, Config{Outputs: 1, Width: 16}, g, 40*day), g, 1)
	q := queries(240, 240)
	want, full := mustScore(t, b, q), mustTables(t, b, TableOptions{})
	for p, most := range map[tensor.Format]float64{tensor.Float16: 4e-3, tensor.BFloat16: 4e-2} {
		r := mustTables(t, b, TableOptions{Format: p})
		if r.Bytes() != full.Bytes()/2 {
			t.Errorf("%s takes %d bytes, float32 %d", p, r.Bytes(), full.Bytes())
		}
		got, worst := scoreWith(t, b, r, ingest.TimeRule{}, 1, q), 0.0
		for i, v := range got.Data {
			worst = max(worst, math.Abs(float64(v-want.Data[i])))
		}
		if worst == 0 || worst > most {
			t.Errorf("%s moves outputs by %g, want more than 0 and at most %g", p, worst, most)
		}
	}
}

// After a change of the snapshot only rows of other content are computed, and the tables
// are those of a fresh build to the bit.
func TestRowTables_refresh(t *testing.T) {
	base := world(3, 5)
	altered := func(change func(s []spec)) []spec {
		s := world(3, 5)
		change(s)
		return s
	}
	drop := func(s *spec, row int) {
		for i := range s.cols {
			s.cols[i].values = slices.Delete(slices.Clone(s.cols[i].values), row, row+1)
		}
		for i := range s.links {
			s.links[i].parents = slices.Delete(slices.Clone(s.links[i].parents), row, row+1)
		}
	}
	cases := []struct {
		name string
		to   []spec
		want int // rows computed
	}{
		{"nothing", base, 0},
		{"one value", altered(func(s []spec) { s[results].column("points").values[7] = 123.5 }), 1},
		{"a parent's value", altered(func(s []spec) { s[teams].column("budget").values[1] = -7.0 }), 1},
		{"a link", altered(func(s []spec) { s[results].links[0].parents[3] = (s[results].links[0].parents[3] + 2) % 5 }), 0},
		{"rows move up", altered(func(s []spec) { drop(&s[results], 2) }), 0},
		{"two apart", altered(func(s []spec) {
			drop(&s[results], 2)
			s[results].column("points").values[11] = 1.25
			drop(&s[results], 40)
		}), 1},
	}
	g := mustGraph(t, base)
	m := mustNew(t, Config{Outputs: 1, Width: 8, FanOut: []int{4, 3}}, g, 40*day)
	for _, p := range []tensor.Format{tensor.Float32, tensor.BFloat16} {
		o := TableOptions{Format: p}
		old := mustTables(t, mustBind(t, m, g, 1), o)
		for _, c := range cases {
			g2 := mustGraph(t, c.to)
			b := mustBind(t, m, g2, 1)
			got, computed, err := old.Refresh(t.Context(), b, o, tensor.NewPool(2))
			if err != nil {
				t.Fatal(err)
			}
			if computed != c.want {
				t.Errorf("%s, %s: %d rows computed, want %d", p, c.name, computed, c.want)
			}
			if !sameTables(got, mustTables(t, b, o)) {
				t.Errorf("%s, %s: tables differ from those of a fresh build", p, c.name)
			}
		}
	}
	// Of other weights, nothing can be kept.
	other := mustNew(t, Config{Outputs: 1, Width: 8, FanOut: []int{4, 3}}, g, 40*day)
	other.Params.All()[0].Value.Data[0]++
	b := mustBind(t, other, g, 1)
	got, computed, err := mustTables(t, mustBind(t, m, g, 1), TableOptions{}).Refresh(t.Context(), b, TableOptions{}, tensor.NewPool(1))
	if err != nil || computed != b.TableRows() || !sameTables(got, mustTables(t, b, TableOptions{})) {
		t.Errorf("other weights: %d of %d rows computed, error %v", computed, b.TableRows(), err)
	}
}

func sameTables(a, b *RowTables) bool {
	for i := range a.types {
		x, y := a.types[i].all(), b.types[i].all()
		if len(x) != len(y) {
			return false
		}
		for k := range x {
			if !x[k].Equal(y[k]) {
				return false
			}
		}
	}
	return true
}

// In steady state a batch that reads tables takes nothing from the heap.
func TestScorer_allocations(t *testing.T) {
	skipWide(t)
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	g := mustGraph(t, world(2, 20))
	for _, p := range []tensor.Format{tensor.Float32, tensor.Float16} {
		b := mustBind(t, mustNew(t, Config{Outputs: 1, Width: 8, FanOut: []int{4, 3}}, g, 40*day), g, 1)
		s, err := b.NewScorer(ingest.TimeRule{}, tensor.NewPool(1))
		if err != nil {
			t.Fatal(err)
		}
		s.Use(mustTables(t, b, TableOptions{Format: p}))
		q := queries(3*64, 240)
		out := tensor.NewMat(len(q), 1)
		pass := func() {
			if err := s.score(t.Context(), q, nil, out); err != nil {
				t.Fatal(err)
			}
		}
		pass()
		pass()
		if n := testing.AllocsPerRun(20, pass); n > 0 {
			t.Errorf("%s: %v allocations per pass, want none", p, n)
		}
	}
}

func TestRowTables_options(t *testing.T) {
	g := mustGraph(t, world(1, 1))
	b := mustBind(t, mustNew(t, Config{Outputs: 1, Width: 8}, g, 40*day), g, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.NewRowTables(ctx, TableOptions{}, tensor.NewPool(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled build gives %v", err)
	}
	total := int64(0)
	for _, n := range b.TableBytes(tensor.Float32) {
		total += n
	}
	if r := mustTables(t, b, TableOptions{}); r.Bytes() != total || total == 0 {
		t.Errorf("tables take %d bytes, estimated %d", r.Bytes(), total)
	}
	other := mustBind(t, mustNew(t, Config{Outputs: 1, Width: 8}, g, 40*day), g, 1)
	s, err := other.NewScorer(ingest.TimeRule{}, tensor.NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("tables of another bound model were taken")
		}
	}()
	s.Use(mustTables(t, b, TableOptions{}))
}
