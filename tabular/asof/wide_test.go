package asof_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/csvdir" // URL scheme csv
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tabular/asof"
)

func mustWide(t testing.TB, g *graph.Graph, enc []*encode.Table, opt asof.Options) *asof.Wide {
	t.Helper()
	w, err := asof.NewWide(g, enc, opt, tensor.NewPool(1))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// trips is a world with rows two foreign keys below a rider, and bikes that riders share.
func trips(t *testing.T) *ingest.Snapshot {
	t.Helper()
	return folder(t, map[string]string{
		"schema.sql": `CREATE TABLE riders (id int PRIMARY KEY, joined timestamp NOT NULL);
			CREATE TABLE bikes (id int PRIMARY KEY, weight float8 NOT NULL);
			CREATE TABLE rides (id int PRIMARY KEY, rider_id int REFERENCES riders, bike_id int REFERENCES bikes, at timestamp NOT NULL, km float8);
			CREATE TABLE stops (id int PRIMARY KEY, ride_id int REFERENCES rides, at timestamp NOT NULL, minutes float8);`,
		"riders.csv": "id,joined\n1,2024-01-01\n2,2024-01-01\n3,2024-01-02\n",
		"bikes.csv":  "id,weight\n1,8.5\n2,9.5\n",
		"rides.csv": "id,rider_id,bike_id,at,km\n1,1,1,2024-01-03,10\n2,1,2,2024-01-07,50\n3,2,2,2024-01-09,20\n" +
			"4,1,1,2024-01-20,70\n5,2,2,2024-01-05,\n6,2,1,2024-01-06,30\n",
		"stops.csv": "id,ride_id,at,minutes\n1,1,2024-01-03,5\n2,1,2024-01-04,7\n3,2,2024-01-07,3\n4,3,2024-01-09,9\n5,4,2024-01-02,99\n6,2,2024-01-30,1\n",
	})
}

// folder is the snapshot of a folder of CSV files.
func folder(t *testing.T, files map[string]string) *ingest.Snapshot {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src, err := ingest.Open(t.Context(), "csv:"+dir, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	raw, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sc := raw.Schema.Clone()
	schema.Infer(sc, raw.Stats())
	snap, err := raw.Derive(sc)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// Every feature has a name of its own, also where rows refer to the entity twice: stored
// predictors find theirs by name.
func TestWide_names(t *testing.T) {
	snap := folder(t, map[string]string{
		"schema.sql": `CREATE TABLE riders (id int PRIMARY KEY, joined timestamp NOT NULL);
			CREATE TABLE bikes (id int PRIMARY KEY, weight float8 NOT NULL);
			CREATE TABLE rides (id int PRIMARY KEY, rider_id int REFERENCES riders, lender_id int REFERENCES riders, bike_id int REFERENCES bikes, at timestamp NOT NULL, km float8);`,
		"riders.csv": "id,joined\n1,2024-01-01\n2,2024-01-01\n3,2024-01-02\n",
		"bikes.csv":  "id,weight\n1,8.5\n2,9.5\n",
		"rides.csv":  "id,rider_id,lender_id,bike_id,at,km\n1,1,2,1,2024-01-03,10\n2,1,3,2,2024-01-07,50\n3,2,1,2,2024-01-09,20\n4,1,2,1,2024-01-12,70\n5,2,1,2,2024-01-05,\n6,2,3,1,2024-01-06,30\n",
	})
	cut := day(19723 + 20)
	g, enc := fitted(snap, ingest.TimeRule{}, cut)
	w := mustWide(t, g, enc, asof.Options{Entity: snap.Schema.Table("riders"), HalfLives: []float64{4, 8}, At: cut})
	seen := map[string]bool{}
	for _, n := range w.Names {
		if seen[n] {
			t.Errorf("two features are named %q", n)
		}
		seen[n] = true
	}
	for _, want := range []string{"bikes.weight of bike_id of the last rides by rider_id", "bikes.weight of bike_id of the last rides by lender_id"} {
		if !seen[want] {
			t.Errorf("no feature %q among %q", want, w.Names)
		}
	}
}

// TestWide_byHand looks two foreign keys down, and up to the bike of the last ride.
func TestWide_byHand(t *testing.T) {
	snap := trips(t)
	const first = 19723 // 1 January 2024
	cut := day(first + 9)
	g, enc := fitted(snap, ingest.TimeRule{}, cut)
	w := mustWide(t, g, enc, asof.Options{Entity: snap.Schema.Table("riders"), HalfLives: []float64{4, 8}, At: cut})
	row, _ := snap.Tables[snap.Schema.Table("riders")].Find(ingest.Key{int64(1)})
	got := w.Features(tensor.NewPool(1), []asof.Query{{Row: row, Cut: cut, Anchor: cut + day(2)}}, nil)
	h := math.Exp2(-1) // of four days at a half-life of four
	for name, want := range map[string]float64{
		"age of riders":                                                 9,
		"day of the year":                                               12,
		"days from the rows' cut to the anchor":                         2,
		"rides.km, 1 back (rides by rider_id)":                          50,
		"rides.km, 2 back (rides by rider_id)":                          10,
		"rides.km, 3 back (rides by rider_id)":                          math.NaN(),
		"mean rides.km, half-life 4 d (rides by rider_id)":              (10*h + 50) / (1 + h),
		"mean rides.bike_id->weight, half-life 4 d (rides by rider_id)": (8.5*h + 9.5) / (1 + h),
		"log count, half-life 4 d (rides by rider_id)":                  math.Log((1+h)*math.Exp2(-.75) + .05),
		"count in 4 d (rides by rider_id)":                              1,
		"count in 8 d (rides by rider_id)":                              2,
		"sum rides.km in 8 d (rides by rider_id)":                       60,
		"smallest rides.km (rides by rider_id)":                         10,
		"largest rides.km (rides by rider_id)":                          50,
		"days since last (rides by rider_id)":                           3,
		"days since first (rides by rider_id)":                          7,
		"mean days between (rides by rider_id)":                         4,
		"distinct bike_id (rides by rider_id)":                          2,
		"count in 8 d (stops by rider_id, ride_id)":                     3, // the stop of ride 4 is not seen before its ride
		"sum stops.minutes in 8 d (stops by rider_id, ride_id)":         15,
		"days since last (stops by rider_id, ride_id)":                  3,
		"bikes.weight of bike_id of the last rides":                     9.5,
		// The second bike was ridden on day 5 (no distance), day 7 and day 9, by two riders.
		"mean rides.km, half-life 4 d (rides by bike_id) of bike_id of the last rides": (50*math.Sqrt(.5) + 20) / (1 + math.Sqrt(.5)),
		"days since last (rides by bike_id) of bike_id of the last rides":              1,
	} {
		at := slices.Index(w.Names, name)
		if at < 0 {
			t.Errorf("there is no feature %q among\n%s", name, strings.Join(w.Names, "\n"))
			return
		}
		if v := got[at]; math.Abs(v-want) > 1e-9 && !(math.IsNaN(v) && math.IsNaN(want)) {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	if names := slices.Sorted(slices.Values(w.Names)); len(slices.Compact(names)) != len(w.Names) {
		t.Error("two features have one name")
	}
}

// naive computes some features of a rider by plain loops over all rides.
func naive(rs []rider, ds []ride, strict bool, half []float64, r int32, cut int64) map[string]float64 {
	out := map[string]float64{}
	var seen []ride
	for _, d := range ds {
		known := d.at <= cut
		if strict {
			known = d.at < cut
		}
		if d.rider == r && known && (d.until == ingest.Never || cut < d.until) {
			seen = append(seen, d)
		}
	}
	slices.SortStableFunc(seen, func(a, b ride) int { return int(a.at/dayMicros - b.at/dayMicros) })
	put := func(name string, v float64) { out[name+" (rides by rider)"] = v }
	for _, h := range half {
		sum, n := 0.0, 0.0
		for _, d := range seen {
			w := math.Exp2(-float64(cut-d.at) / dayMicros / h)
			sum, n = sum+w*d.km, n+w
		}
		put(fmt.Sprintf("mean rides.km, half-life %g d", h), sum/n)
		put(fmt.Sprintf("log count, half-life %g d", h), math.Log(n+.05))
	}
	for _, span := range half[:2] {
		sum, n := 0.0, 0.0
		for _, d := range seen {
			from := cut - int64(span*dayMicros)
			if d.at > from || strict && d.at == from {
				sum, n = sum+d.km, n+1
			}
		}
		put(fmt.Sprintf("count in %g d", span), n)
		put(fmt.Sprintf("sum rides.km in %g d", span), sum)
	}
	for k := range 3 {
		v := math.NaN()
		if k < len(seen) {
			v = seen[len(seen)-1-k].km
		}
		put(fmt.Sprintf("rides.km, %d back", k+1), v)
	}
	since, road := math.NaN(), math.NaN()
	if n := len(seen); n > 0 {
		since = float64(cut-seen[n-1].at) / dayMicros
		a, b := 0.0, 0.0
		for _, d := range seen {
			w := math.Exp2(-float64(cut-d.at) / dayMicros / half[1])
			b += w
			if d.bike == "road" {
				a += w
			}
		}
		road = a / b
	}
	put("days since last", since)
	put(fmt.Sprintf("share rides.bike = road, half-life %g d", half[1]), road)
	return out
}

// Features agree with plain loops in random worlds, with rows that end and without, under
// both time rules, whatever the number of queries, their order and the threads.
func TestWide_naive(t *testing.T) {
	half := []float64{5, 20, 80}
	for seed := range uint64(6) {
		rs, ds := random(seed)
		if seed%2 == 1 {
			for i := range ds {
				ds[i].until = ingest.Never
			}
		}
		slices.SortStableFunc(ds, func(a, b ride) int { return int(a.id - b.id) })
		rule := ingest.TimeRule{Strict: seed%3 == 0}
		snap := snapshot(rs, ds)
		if seed%2 == 1 {
			snap.Tables[rides].Until = nil
		}
		g, enc := fitted(snap, rule, day(100))
		w := mustWide(t, g, enc, asof.Options{Entity: riders, HalfLives: half, Rule: rule, At: day(100)})
		r := rand.New(rand.NewPCG(seed, 2))
		var q []asof.Query
		for range 200 {
			q = append(q, asof.Query{Row: int32(r.IntN(len(rs))), Cut: day(r.IntN(110))})
		}
		got := w.Features(tensor.NewPool(1), q, nil)
		if many := w.Features(tensor.NewPool(3), q, nil); !sameBits(got, many) {
			t.Fatal("the number of threads changes bits")
		}
		keep := []int{len(w.Names) - 1, 3, 7}
		w.Features(tensor.NewPool(2), q[:30], nil) // remembered, and given again below
		some := w.Features(tensor.NewPool(2), q[:50], keep)
		for i := range 50 {
			for k, j := range keep {
				if math.Float64bits(some[i*3+k]) != math.Float64bits(got[i*len(w.Names)+j]) {
					t.Fatalf("feature %q alone is %v, among others %v", w.Names[j], some[i*3+k], got[i*len(w.Names)+j])
				}
			}
		}
		for i, x := range q {
			for name, want := range naive(rs, ds, rule.Strict, half, x.Row, x.Cut) {
				j := slices.Index(w.Names, name)
				if j < 0 {
					t.Fatalf("there is no feature %q", name)
				}
				if v := got[i*len(w.Names)+j]; math.Abs(v-want) > 1e-6*(1+math.Abs(want)) && math.IsNaN(v) == math.IsNaN(want) || math.IsNaN(v) != math.IsNaN(want) {
					t.Fatalf("seed %d, rider %d at %s: %s is %v, want %v", seed, x.Row, instant(x.Cut), name, v, want)
				}
			}
		}
	}
}

func sameBits(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) })
}

// What happens after a cut changes no feature by a bit: later rides are changed, added and
// taken away, so that rows have other numbers.
func TestWide_future(t *testing.T) {
	rs, ds := random(9)
	for i := range ds {
		ds[i].until = ingest.Never
	}
	cut := day(50)
	var other []ride
	for i, d := range ds {
		switch {
		case d.at <= cut:
			other = append(other, d)
		case i%3 == 0:
			d.km, d.rider = 999, (d.rider+1)%30
			other = append(other, d)
		}
	}
	for i := range 400 { // each at a time of its own, so that rows hardly share times any more
		other = append(other, ride{int64(50 + 100*i), int32(i % 30), day(51+i%40) + int64(i), ingest.Never, 1e6, "unicycle"})
	}
	slices.SortFunc(other, func(a, b ride) int { return int(a.id - b.id) })
	var q []asof.Query
	for r := range int32(30) {
		q = append(q, asof.Query{Row: r, Cut: cut}, asof.Query{Row: r, Cut: cut - day(7)})
	}
	var got [2][]float64
	var names [2][]string
	for i, list := range [][]ride{ds, other} {
		snap := snapshot(rs, list)
		snap.Tables[rides].Until = nil
		g, enc := fitted(snap, ingest.TimeRule{}, cut)
		w := mustWide(t, g, enc, asof.Options{Entity: riders, HalfLives: []float64{5, 20}, At: cut})
		names[i] = w.Names
		got[i] = w.Features(tensor.NewPool(1), q, nil)
	}
	if !slices.Equal(names[0], names[1]) || !slices.ContainsFunc(names[0], func(n string) bool { return strings.Contains(n, "rank of") }) {
		t.Errorf("rides after the cut change which features there are: %d, %d", len(names[0]), len(names[1]))
	}
	if !sameBits(got[0], got[1]) {
		t.Error("rides after the cut change features")
	}
}

func TestPrune(t *testing.T) {
	nan := math.NaN()
	x := []float64{
		1, 5, 1, nan, nan, 2,
		2, 5, 2, nan, 5, 2,
		3, 5, 3, nan, 5, 1,
	}
	if got := asof.Prune(x, 6); !slices.Equal(got, []int{0, 4, 5}) {
		t.Errorf("kept %v, want the first, the one with a gap and the last: the others are constant, equal to one before, missing", got)
	}
	if got := asof.Prune(nil, 0); got != nil {
		t.Errorf("nothing gives %v", got)
	}
}
