package graph

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"pgregory.net/rapid"
)

// db builds a snapshot without feature columns. A link is a triple: child, column, parent.
func db(tables ...*ingest.Table) *ingest.Snapshot {
	s := &ingest.Snapshot{Schema: &schema.Schema{}, Tables: tables}
	for _, t := range tables {
		s.Schema.Tables = append(s.Schema.Tables, t.Def)
	}
	return s
}

func table(name string, rows int, times []int64) *ingest.Table {
	t := &ingest.Table{Def: &schema.Table{Name: name, Columns: []schema.Column{{Name: "id"}}}, Rows: rows, Times: times}
	if times != nil {
		t.Def.Columns = append(t.Def.Columns, schema.Column{Name: "at", Kind: schema.Time})
		t.Def.Time = &schema.RowTime{Column: 1, Via: -1, Until: -1}
	}
	return t
}

func link(child *ingest.Table, to int, parents []int32, columns ...string) {
	l := schema.Link{To: to}
	for _, c := range columns {
		l.Columns = append(l.Columns, len(child.Def.Columns))
		child.Def.Columns = append(child.Def.Columns, schema.Column{Name: c})
	}
	child.Def.Links = append(child.Def.Links, l)
	child.Parents = append(child.Parents, parents)
}

func TestBuild(t *testing.T) {
	drivers, races := table("drivers", 3, nil), table("races", 2, []int64{10, 20})
	results := table("results", 6, []int64{20, 10, 10, ingest.Never, 20, 5})
	link(results, 0, []int32{0, 0, 1, 0, -1, 0}, "driverId")
	link(results, 1, []int32{1, 0, 0, 0, 1, 0}, "raceYear", "raceNo")
	hidden := table("secrets", 1, nil)
	hidden.Def.Ignore = true
	link(hidden, 0, []int32{0}, "driverId")
	link(results, 3, []int32{0, 0, 0, 0, 0, 0}, "secretId")
	g, err := Build(db(drivers, races, results, hidden))
	if err != nil {
		t.Fatal(err)
	}
	want := []EdgeType{
		{Name: "f2p_driverId", Src: 2, Dst: 0, Table: 2, Link: 0},
		{Name: "rev_f2p_driverId", Src: 0, Dst: 2, Table: 2, Link: 0, Rev: true},
		{Name: "f2p_raceYear_raceNo", Src: 2, Dst: 1, Table: 2, Link: 1},
		{Name: "rev_f2p_raceYear_raceNo", Src: 1, Dst: 2, Table: 2, Link: 1, Rev: true},
	}
	if d := cmp.Diff(want, g.Edges); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([][]int{{0}, {2}, {1, 3}, nil}, g.Into); d != "" {
		t.Error(d)
	}
	if got := g.Label(0); got != "results -f2p_driverId-> drivers" {
		t.Error(got)
	}
	// Driver 0: rows 5 (at 5), 1 (10), 0 (20); row 3 has no known time.
	if rows, times := g.List(0).Of(0); !slices.Equal(rows, []int32{5, 1, 0}) || !slices.Equal(times, []int64{5, 10, 20}) {
		t.Error(rows, times)
	}
	for _, c := range []struct {
		rule ingest.TimeRule
		at   int64
		want int
	}{{at: 4, want: 0}, {at: 10, want: 2}, {ingest.TimeRule{Strict: true}, 10, 1}, {at: 99, want: 3}} {
		if got := g.Children(0, 0, c.rule, c.at); len(got) != c.want {
			t.Errorf("children at %d: %v, want %d", c.at, got, c.want)
		}
	}
	if p := g.Parent(3, 0, ingest.TimeRule{}, 19); p != -1 {
		t.Errorf("race 1 is visible at 19: %d", p)
	}
	if p := g.Parent(3, 0, ingest.TimeRule{}, 20); p != 1 {
		t.Errorf("parent at 20 is %d, want 1", p)
	}
	if p := g.Parent(1, 4, ingest.TimeRule{}, 20); p != -1 {
		t.Errorf("parent of a row without link is %d", p)
	}
}

func TestBuild_outOfRange(t *testing.T) {
	a, b := table("a", 2, nil), table("b", 2, nil)
	link(b, 0, []int32{0, 2}, "a_id")
	_, err := Build(db(a, b))
	if want := `link "a_id" of table "b": row 1 points to row 2 of 2`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	b.Parents[0] = []int32{0}
	if _, err = Build(db(a, b)); err == nil {
		t.Error("a short column of parents was accepted")
	}
}

// TestBuild_naive compares the lists with a stable sort of the rows, at several
// numbers of threads, with lists short and long enough for both ways of sorting.
func TestBuild_naive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parents := rapid.IntRange(0, 6).Draw(t, "parents")
		rows := rapid.IntRange(0, 120).Draw(t, "rows")
		var times []int64
		if rapid.Bool().Draw(t, "timed") {
			times = make([]int64, rows)
			for i := range times {
				if times[i] = rapid.Int64Range(0, 20).Draw(t, "time"); times[i] == 20 {
					times[i] = ingest.Never
				}
			}
		}
		up := make([]int32, rows)
		for i := range up {
			up[i] = int32(rapid.IntRange(-1, parents-1).Draw(t, "parent"))
		}
		child := table("c", rows, times)
		link(child, 0, up, "p_id")
		s := db(table("p", parents, nil), child)
		for _, threads := range []int{1, 2, 8} {
			g, err := build(s, threads)
			if err != nil {
				t.Fatal(err)
			}
			for p := range int32(parents) {
				var want []int32
				for row, q := range up {
					if q == p && child.TimeOf(int32(row)) != ingest.Never {
						want = append(want, int32(row))
					}
				}
				slices.SortStableFunc(want, func(a, b int32) int {
					switch ta, tb := child.TimeOf(a), child.TimeOf(b); {
					case ta < tb:
						return -1
					case ta > tb:
						return 1
					}
					return 0
				})
				got, at := g.List(0).Of(p)
				if !slices.Equal(got, want) {
					t.Fatalf("%d threads, parent %d: %v, want %v", threads, p, got, want)
				}
				for i, row := range got {
					if times != nil && at[i] != times[row] {
						t.Fatalf("time of row %d is %d", row, at[i])
					}
				}
			}
		}
	})
}

// formula is the schema of a racing database: two paths from results to circuits
// do not exist, standings hang on drivers and races, and drivers name a mentor.
func formula() *schema.Schema {
	circuits, races, drivers := table("circuits", 0, nil), table("races", 0, nil), table("drivers", 0, nil)
	link(races, 0, nil, "circuitId")
	link(drivers, 2, nil, "mentorId")
	results, standings := table("results", 0, nil), table("standings", 0, nil)
	for _, t := range []*ingest.Table{results, standings} {
		link(t, 1, nil, "raceId")
		link(t, 2, nil, "driverId")
	}
	link(results, 2, nil, "teammateId")
	weather, ignored := table("weather", 0, nil), table("ignored", 0, nil)
	ignored.Def.Ignore = true
	link(ignored, 0, nil, "circuitId")
	link(ignored, 2, nil, "driverId")
	return db(circuits, races, drivers, results, standings, weather, ignored).Schema
}

func TestPaths(t *testing.T) {
	sc := formula()
	for _, c := range []struct {
		from, to       string
		most           int
		paths, further string
	}{
		{"results", "drivers", 4, "results -driverId-> drivers; results -teammateId-> drivers",
			"results -raceId-> races <-raceId- standings -driverId-> drivers"},
		{"drivers", "races", 4, "drivers <-driverId- results -raceId-> races; drivers <-teammateId- results -raceId-> races; drivers <-driverId- standings -raceId-> races", ""},
		{"drivers", "races", 1, "", ""},
		{"circuits", "drivers", 4, "circuits <-circuitId- races <-raceId- results -driverId-> drivers; circuits <-circuitId- races <-raceId- results -teammateId-> drivers; " +
			"circuits <-circuitId- races <-raceId- standings -driverId-> drivers", ""},
		{"drivers", "drivers", 4, "drivers -mentorId-> drivers; drivers <-mentorId- drivers",
			"drivers <-driverId- results -teammateId-> drivers; drivers <-teammateId- results -driverId-> drivers; " +
				"drivers <-driverId- results -raceId-> races <-raceId- standings -driverId-> drivers; " +
				"drivers <-teammateId- results -raceId-> races <-raceId- standings -driverId-> drivers; " +
				"drivers <-driverId- standings -raceId-> races <-raceId- results -driverId-> drivers; " +
				"drivers <-driverId- standings -raceId-> races <-raceId- results -teammateId-> drivers"},
		{"races", "races", 2, "races -circuitId-> circuits <-circuitId- races", ""},
		{"weather", "drivers", 4, "", ""},
		{"ignored", "drivers", 4, "", ""},
	} {
		from, to := sc.Table(c.from), sc.Table(c.to)
		if got := format(sc, from, Paths(sc, from, to, c.most)); got != c.paths {
			t.Errorf("%s to %s:\n got %s\nwant %s", c.from, c.to, got, c.paths)
		}
		if got := format(sc, from, LongerAlternatives(sc, from, to, c.most)); got != c.further {
			t.Errorf("%s to %s, longer:\n got %s\nwant %s", c.from, c.to, got, c.further)
		}
	}
}

func format(sc *schema.Schema, from int, paths [][]Step) string {
	var out []string
	for _, p := range paths {
		out = append(out, FormatPath(sc, from, p))
	}
	return strings.Join(out, "; ")
}

func TestDistances(t *testing.T) {
	sc := formula()
	if got, want := Distances(sc, sc.Table("drivers")), []int{3, 2, 0, 1, 1, -1, -1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Distances(sc, sc.Table("ignored")); slices.Max(got) != -1 {
		t.Errorf("an ignored table reaches others: %v", got)
	}
}

func TestStats(t *testing.T) {
	users, orders := table("users", 4, nil), table("orders", 6, nil)
	link(orders, 0, []int32{0, 0, 0, 1, 1, -1}, "user_id")
	g, err := Build(db(users, orders))
	if err != nil {
		t.Fatal(err)
	}
	want := []EdgeStats{
		{Edge: 0, Links: 5, Linked: 2, Rows: 4, Mean: 1.25, P50: 0, P90: 3, P99: 3, Max: 3},
		{Edge: 1, Links: 5, Linked: 5, Rows: 6, Mean: 5.0 / 6, P50: 1, P90: 1, P99: 1, Max: 1},
	}
	if d := cmp.Diff(want, g.Stats()); d != "" {
		t.Error(d)
	}
	empty, err := Build(db(table("a", 0, nil)))
	if err != nil || len(empty.Stats()) != 0 {
		t.Error(err, empty.Stats())
	}
}

func TestDOT(t *testing.T) {
	sc := formula()
	sc.Tables[0].Name = `odd "name"`
	got, err := DOT(sc)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, _ := DOT(sc)
		if string(again) != string(got) {
			t.Fatal("two drawings of one schema differ")
		}
	}
	for _, part := range []string{"drivers -> drivers [label=mentorId]", "results -> drivers [label=teammateId]", "weather", `"odd \"name\""`} {
		if !strings.Contains(string(got), part) {
			t.Errorf("no %s in\n%s", part, got)
		}
	}
	if strings.Contains(string(got), "ignored") {
		t.Errorf("an ignored table was drawn:\n%s", got)
	}
}

// BenchmarkBuild lists the children of 2 links of 5 M rows each.
func BenchmarkBuild(b *testing.B) {
	const rows = 5_000_000
	times, user, item := make([]int64, rows), make([]int32, rows), make([]int32, rows)
	x := uint64(1)
	for i := range times {
		x = x*6364136223846793005 + 1442695040888963407
		times[i], user[i], item[i] = int64(i), int32(x>>33%250_000), int32(x>>20%10_000)
	}
	facts := table("facts", rows, times)
	link(facts, 0, user, "user_id")
	link(facts, 1, item, "item_id")
	s := db(table("users", 250_000, nil), table("items", 10_000, nil), facts)
	for b.Loop() {
		if _, err := Build(s); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*rows), "ns/link")
}

// A graph with another table in the place of one is that of the other snapshot.
func TestReplace(t *testing.T) {
	drivers, races := table("drivers", 3, nil), table("races", 2, []int64{10, 20})
	results := table("results", 4, []int64{20, 10, 10, 5})
	link(results, 0, []int32{0, 0, 1, 0}, "driverId")
	link(results, 1, []int32{1, 0, 0, 0}, "raceId")
	s := db(drivers, races, results)
	g, err := Build(s)
	if err != nil {
		t.Fatal(err)
	}
	other, err := results.Redrawn(ingest.TimeRule{}, nil, []int{1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Replace(2, other)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Build(s.Replace(2, other))
	if err != nil {
		t.Fatal(err)
	}
	for e := 0; e < len(want.Edges); e += 2 {
		if diff := cmp.Diff(want.List(e), got.List(e)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Label(e), diff)
		}
	}
	if got.List(0).Children[0] != g.List(0).Children[0] || &got.List(0).Children[0] != &g.List(0).Children[0] {
		t.Error("the list of a link that is as it was is made anew")
	}
	if _, err := g.Replace(0, table("drivers", 2, nil)); err == nil {
		t.Error("a table of other rows is taken")
	}
}
