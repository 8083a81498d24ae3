package asof_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/asof"
)

// toy is five rides of 10 to 50 km, whose median is 30 and whose quartiles are 20 and 40,
// so that z(km) = (km - 30) * 1.349 / 20. Four of them are the first rider's.
func toy() *ingest.Snapshot {
	return snapshot([]rider{{1, day(1), 20, "red"}, {2, day(3), 40, ""}, {3, day(5), 60, "red"}}, []ride{
		{1, 0, day(2), ingest.Never, 10, "road"},
		{2, 0, day(6), ingest.Never, 50, "gravel"},
		{3, 1, day(7), ingest.Never, 20, "road"},
		{4, 0, day(10), ingest.Never, 30, "road"},
		{5, 0, day(12), ingest.Never, 40, "gravel"},
	})
}

func mustPlan(t testing.TB, g *graph.Graph, enc []*encode.Table, opt asof.Options) *asof.Plan {
	t.Helper()
	p, err := asof.New(g, enc, opt, tensor.NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFeatures_byHand computes every feature of two riders with a pocket calculator.
func TestFeatures_byHand(t *testing.T) {
	g, enc := fitted(toy(), ingest.TimeRule{}, day(12))
	plan := mustPlan(t, g, enc, asof.Options{Entity: riders, HalfLives: []float64{4, 8}})
	// At day 10 the first rider's rides of day 2, 6 and 10 are visible, with the
	// weights 1/4, 1/2, 1 at a half-life of 4 days, and 1/2, 1/sqrt 2, 1 at 8.
	h := math.Sqrt(.5)
	first := map[string]float64{
		"riders.age":                                           -1.349, // (20 - 40) * 1.349 / 20
		"riders.team = red":                                    1,
		"age of riders":                                        math.Log(10), // 1 + 9 days
		"days since last rides (f2p_rider)":                    0,
		"mean rides.km (f2p_rider), half-life 4 d":             (-1.349/4 + 1.349/2) / 2.25,
		"share rides.bike = road (f2p_rider), half-life 4 d":   1.25 / 2.25,
		"share rides.bike = gravel (f2p_rider), half-life 4 d": .5 / 2.25,
		"count rides (f2p_rider), half-life 4 d":               math.Log(1.80),
		"mean rides.km (f2p_rider), half-life 8 d":             (-1.349/2 + 1.349*h) / (2 + h),
		"share rides.bike = road (f2p_rider), half-life 8 d":   1.5 / (2 + h),
		"share rides.bike = gravel (f2p_rider), half-life 8 d": h / (2 + h),
		"count rides (f2p_rider), half-life 8 d":               math.Log(1.55 + h),
	}
	// The third rider has no rides at all.
	third := map[string]float64{
		"riders.age":                             1.349,
		"riders.team = red":                      1,
		"age of riders":                          math.Log(6),
		"days since last rides (f2p_rider)":      math.Log1p(10_000),
		"count rides (f2p_rider), half-life 4 d": math.Log(.05),
		"count rides (f2p_rider), half-life 8 d": math.Log(.05),
	}
	all := plan.Features(tensor.NewPool(1), []asof.Query{{Row: 0, Cut: day(10)}, {Row: 2, Cut: day(10)}})
	width := len(plan.Names)
	if len(all) != 2*width {
		t.Fatalf("%d features of 2 queries, want %d", len(all), 2*width)
	}
	for i, want := range []map[string]float64{first, third} {
		got := all[i*width : (i+1)*width]
		for name := range want {
			if !slices.Contains(plan.Names, name) {
				t.Errorf("there is no feature %q", name)
			}
		}
		for j, name := range plan.Names { // what is not named above is 0
			if math.Abs(got[j]-want[name]) > 1e-6 {
				t.Errorf("query %d: %s is %v, want %v", i, name, got[j], want[name])
			}
		}
	}
}

func TestNew_names(t *testing.T) {
	g, enc := fitted(toy(), ingest.TimeRule{}, day(12))
	plan := mustPlan(t, g, enc, asof.Options{Entity: riders, HalfLives: []float64{4}})
	want := []string{
		"riders.age", "riders.age[1]", "riders.team = NULL", "riders.team = other", "riders.team = red", "age of riders",
		"mean rides.km (f2p_rider), half-life 4 d", "mean rides.km[1] (f2p_rider), half-life 4 d",
		"share rides.bike = NULL (f2p_rider), half-life 4 d", "share rides.bike = other (f2p_rider), half-life 4 d",
		"share rides.bike = road (f2p_rider), half-life 4 d", "share rides.bike = gravel (f2p_rider), half-life 4 d",
		"count rides (f2p_rider), half-life 4 d", "days since last rides (f2p_rider)",
	}
	if !slices.Equal(plan.Names, want) {
		t.Errorf("names %q\nwant  %q", plan.Names, want)
	}
	enc[rides] = nil // a table that takes no part
	if own := mustPlan(t, g, enc, asof.Options{Entity: riders, HalfLives: []float64{4}}); !slices.Equal(own.Names, want[:6]) {
		t.Errorf("names %q without rides, want %q", own.Names, want[:6])
	}
}

// A snapshot whose column means something else cannot be read with the encoders.
func TestNew_errors(t *testing.T) {
	g, enc := fitted(toy(), ingest.TimeRule{}, day(12))
	g.Snap.Tables[rides].Def.Columns[2].Name = "miles"
	if _, err := asof.New(g, enc, asof.Options{Entity: riders}, tensor.NewPool(1)); err == nil {
		t.Error("a snapshot without column km gives no error")
	}
}

// The strict rule hides what happened at exactly the cut, and an ended ride is gone
// from the moment of its end.
func TestFeatures_asksTheTimeRule(t *testing.T) {
	count := func(s *ingest.Snapshot, strict bool, cut int64) float64 {
		rule := ingest.TimeRule{Strict: strict}
		g, enc := fitted(s, rule, day(12))
		plan := mustPlan(t, g, enc, asof.Options{Entity: riders, HalfLives: []float64{1e12}, Rule: rule})
		at := slices.Index(plan.Names, "count rides (f2p_rider), half-life 1e+12 d")
		return math.Exp(plan.Features(tensor.NewPool(1), []asof.Query{{Row: 0, Cut: cut}})[at]) - .05
	}
	ended := toy()
	ended.Tables[rides].Until[1] = day(10)
	ended.Tables[rides].Def.Time.Until = 1
	for _, c := range []struct {
		snap   *ingest.Snapshot
		strict bool
		cut    int64
		want   float64
	}{
		{toy(), false, day(10), 3}, {toy(), true, day(10), 2}, {toy(), true, day(10) + 1, 3}, {toy(), false, day(10) - 1, 2},
		{toy(), false, day(1), 0}, {ended, false, day(10), 2}, {ended, false, day(10) - 1, 2}, {ended, false, day(9), 2}, {ended, false, day(13), 3},
	} {
		if got := count(c.snap, c.strict, c.cut); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("strict %t: %v rides at %s, want %v", c.strict, got, instant(c.cut), c.want)
		}
	}
}

// TestFeatures_future changes, deletes and adds rows after the cut, which renumbers the
// others; no feature may change by a bit, and the encoders neither.
func TestFeatures_future(t *testing.T) {
	for seed := range uint64(8) {
		rule, cut := ingest.TimeRule{Strict: seed%2 == 1}, day(50)
		rs, ds := random(seed)
		rs2, ds2, moved := alterFuture(seed, rs, ds, rule, cut)
		features := func(rs []rider, ds []ride, row func(int32) int32, at int64) []float64 {
			g, enc := fitted(snapshot(rs, ds), rule, cut)
			plan := mustPlan(t, g, enc, asof.Options{Entity: riders, HalfLives: []float64{5, 20}, Rule: rule})
			var q []asof.Query
			for i, r := range rs2 { // of the riders that both worlds have and the cut may see
				if old := moved[i]; old >= 0 && rule.Visible(r.joined, cut) {
					q = append(q, asof.Query{Row: row(int32(i)), Cut: at}, asof.Query{Row: row(int32(i)), Cut: at - day(17)})
				}
			}
			return plan.Features(tensor.NewPool(2), q)
		}
		old := func(i int32) int32 { return moved[i] }
		same := func(i int32) int32 { return i }
		want, got := features(rs, ds, old, cut), features(rs2, ds2, same, cut)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("world %d: rows after the cut change features", seed)
		}
		if slices.Equal(features(rs, ds, old, day(90)), features(rs2, ds2, same, day(90))) {
			t.Errorf("world %d: the altered rows change nothing where they may be seen", seed)
		}
	}
}

// alterFuture returns the rows with those that are not visible at the cut changed, dropped
// or joined by new ones, and for each new rider the number that it had, -1 for new ones.
func alterFuture(seed uint64, rs []rider, ds []ride, rule ingest.TimeRule, cut int64) ([]rider, []ride, []int32) {
	r := rand.New(rand.NewPCG(seed, 2))
	later := func() int64 { return cut + 1 + r.Int64N(day(50)) }
	var rs2 []rider
	var moved []int32
	number := make([]int32, len(rs))
	for i, x := range rs {
		for range r.IntN(3) {
			rs2, moved = append(rs2, rider{x.id - 1, later(), 1e6, "black"}), append(moved, -1)
		}
		seen := rule.Visible(x.joined, cut)
		if !seen && r.IntN(2) == 0 {
			number[i] = -1
			continue
		}
		if !seen {
			x.joined, x.age, x.team = later(), -1e6, "white"
		}
		number[i] = int32(len(rs2))
		rs2, moved = append(rs2, x), append(moved, int32(i))
	}
	var ds2 []ride
	for _, x := range ds {
		for range r.IntN(2) {
			ds2 = append(ds2, ride{x.id - 1, int32(r.IntN(len(rs2))), later(), ingest.Never, 1e9, "tank"})
		}
		seen := rule.Visible(x.at, cut)
		if !seen && r.IntN(2) == 0 {
			continue
		}
		if x.rider >= 0 {
			x.rider = number[x.rider]
		}
		if !seen {
			x.at, x.km, x.bike, x.rider = later(), -1e9, "rocket", int32(r.IntN(len(rs2)))
		}
		if x.until > cut { // when a ride will end is not known yet
			x.until = later()
		}
		ds2 = append(ds2, x)
	}
	return rs2, ds2, moved
}

func TestFeatures_threads(t *testing.T) {
	g, enc := fitted(snapshot(random(3)), ingest.TimeRule{}, day(50))
	plan := mustPlan(t, g, enc, asof.Options{Entity: riders, HalfLives: []float64{5, 20}})
	var q []asof.Query
	for i := range 500 {
		q = append(q, asof.Query{Row: int32(i % 30), Cut: day(20 + i%70)})
	}
	want := plan.Features(tensor.NewPool(1), q)
	for _, threads := range []int{2, 4} {
		if !slices.Equal(plan.Features(tensor.NewPool(threads), q), want) {
			t.Errorf("%d threads give other features than one", threads)
		}
	}
	for i, v := range want {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("feature %s of query %d is %v", plan.Names[i%len(plan.Names)], i/len(plan.Names), v)
		}
	}
}
