package graph

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// crowded is a snapshot whose links fill several buckets: times in random order, rows
// without a parent or time, and one parent with a third of all children.
func crowded(rows int) *ingest.Snapshot {
	times, user, item := make([]int64, rows), make([]int32, rows), make([]int32, rows)
	x := uint64(1)
	for i := range times {
		x = x*6364136223846793005 + 1442695040888963407
		times[i], user[i], item[i] = int64(x>>44), int32(x>>33%9000)-1, int32(x>>20%7)
		if x>>60 == 3 {
			times[i] = ingest.Never
		}
		if x>>50%3 == 0 {
			user[i] = 4000
		}
	}
	facts := table("facts", rows, times)
	link(facts, 0, user, "user_id")
	link(facts, 1, item, "item_id")
	notes := table("notes", rows/2, nil)
	link(notes, 0, user[:rows/2], "user_id")
	s := db(table("users", 9000, nil), table("items", 7, nil), facts, notes)
	s.ID = "crowded"
	return s
}

func TestBuild_severalBuckets(t *testing.T) {
	rows := 3 * bucketLinks
	s := crowded(rows)
	for _, threads := range []int{1, 3} {
		g, err := build(s, threads)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []int{0, 2, 4} {
			child := s.Tables[g.Edges[e].Src]
			want := make([][]int32, s.Tables[g.Edges[e].Dst].Rows)
			for row, p := range child.Parents[g.Edges[e].Link] {
				if p >= 0 && child.TimeOf(int32(row)) != ingest.Never {
					want[p] = append(want[p], int32(row))
				}
			}
			for p, rows := range want {
				slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(child.TimeOf(a), child.TimeOf(b)) })
				got, at := g.List(e).Of(int32(p))
				if !slices.Equal(got, rows) {
					t.Fatalf("%d threads, %s: children of %d differ", threads, g.Label(e), p)
				}
				for i, r := range got {
					if at != nil && at[i] != child.Times[r] {
						t.Fatalf("%s: time of row %d is %d", g.Label(e), r, at[i])
					}
				}
			}
		}
	}
}

// Both ways of sorting a list give the same.
func TestByTime_inPlace(t *testing.T) {
	var a, b inPlace
	for i := range int32(1000) {
		a.rows, a.times = append(a.rows, i), append(a.times, int64(i*7919%100))
	}
	b.rows, b.times = slices.Clone(a.rows), slices.Clone(a.times)
	byTime(a.rows, a.times, nil)
	byTimeInPlace(b.rows, b.times)
	if !slices.Equal(a.rows, b.rows) || !slices.Equal(a.times, b.times) {
		t.Error("the order differs")
	}
}

func equalGraphs(t *testing.T, got, want *Graph) {
	t.Helper()
	if d := gocmp.Diff(want.Edges, got.Edges); d != "" {
		t.Error(d)
	}
	if d := gocmp.Diff(want.Into, got.Into); d != "" {
		t.Error(d)
	}
	if len(got.lists) != len(want.lists) {
		t.Fatalf("%d lists, want %d", len(got.lists), len(want.lists))
	}
	for i, w := range want.lists {
		g := got.lists[i]
		if !slices.Equal(g.Offsets, w.Offsets) || !slices.Equal(g.Children, w.Children) || !slices.Equal(g.Times, w.Times) || (g.Times == nil) != (w.Times == nil) {
			t.Errorf("list %d differs", i)
		}
	}
}

func TestStore(t *testing.T) {
	s, dir := crowded(2*bucketLinks), t.TempDir()
	want, err := Build(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, s, false); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("empty folder: %v", err)
	}
	for _, threads := range []int{1, 3} {
		if err := store(dir, s, threads); err != nil {
			t.Fatal(err)
		}
		for _, skip := range []bool{false, true} {
			got, err := Open(dir, s, skip)
			if err != nil {
				t.Fatal(err)
			}
			equalGraphs(t, got, want)
			if err := got.Close(); err != nil {
				t.Fatal(err)
			}
			if err := got.Close(); err != nil {
				t.Error("closing twice:", err)
			}
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%v, want one file", left)
	}
}

// A file of other data, a damaged one and none at all are made again, with a word to
// the user unless there was none.
func TestOpenOrStore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fileName)
	var notes []string
	open := func(s *ingest.Snapshot) {
		t.Helper()
		notes = nil
		got, err := OpenOrStore(dir, s, func(format string, _ ...any) { notes = append(notes, format) })
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		want, err := Build(s)
		if err != nil {
			t.Fatal(err)
		}
		equalGraphs(t, got, want)
	}
	s := crowded(100)
	if open(s); len(notes) != 0 {
		t.Error(notes)
	}
	if open(s); len(notes) != 0 {
		t.Error(notes)
	}
	var stale *mapped.StaleError
	for _, change := range []func(s *ingest.Snapshot){
		func(s *ingest.Snapshot) { s.ID = "another" },
		func(s *ingest.Snapshot) { s.Tables[3].Def.Ignore = true },
		func(s *ingest.Snapshot) { s.Tables[2].Def.Time.Until = 1 },
		func(s *ingest.Snapshot) {
			s.Tables[2].Def.Links[0].To = 1
			s.Tables[2].Parents[0] = s.Tables[2].Parents[1]
		},
	} {
		c := crowded(100)
		change(c)
		if _, err := Open(dir, c, false); !errors.As(err, &stale) {
			t.Errorf("graph of another snapshot or mapping: %v", err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range []func() []byte{
		func() []byte { return data[:len(data)/2] },
		func() []byte { d := slices.Clone(data); d[1<<16+8]++; return d },
	} {
		if err := os.WriteFile(path, damage(), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, s, false); err == nil || !strings.Contains(err.Error(), "altered") {
			t.Errorf("damaged file: %v", err)
		}
		if open(s); len(notes) != 1 {
			t.Error(notes)
		}
	}
	s.ID = ""
	if err := Store(dir, s); err == nil {
		t.Error("a snapshot without an ID was stored")
	}
}

// Whatever the values of a file are, an opened graph does not panic: without checksums
// a wrong offset or row is noticed all the same.
func TestOpen_wrongValues(t *testing.T) {
	s, dir := crowded(100), t.TempDir()
	key, err := keyOf(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, alter := range []func(name string, v []int64){
		func(name string, v []int64) { v[0] = 1 },
		func(name string, v []int64) { v[3] = -1 },
		func(name string, v []int64) { v[len(v)-1] = 1 << 40 },
	} {
		w, err := mapped.Create(filepath.Join(dir, fileName), key)
		if err != nil {
			t.Fatal(err)
		}
		g := &Graph{}
		err = g.extend(s, func(link edgeLink) (List, error) {
			l, err := children(link.table, link.link, link.parents, 1, place{file: w}, func(a string) string { return arrayName(link.number, a) })
			alter("offsets", l.Offsets)
			return l, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		if g, err := Open(dir, s, false); err == nil {
			g.Close()
			t.Error("wrong offsets were accepted")
		}
	}
}

// Continuing a graph by a further table gives what building anew gives.
func TestGraph_append(t *testing.T) {
	s, dir := crowded(100), t.TempDir()
	built, err := Build(s)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := OpenOrStore(dir, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	extra := &ingest.Table{Def: &schema.Table{Name: "history", Columns: []schema.Column{{Name: "user", Kind: schema.Opaque}},
		Links: []schema.Link{{Name: "user", Columns: []int{0}, To: 0}}, Time: &schema.RowTime{Column: -1, Via: -1, Until: -1}},
		Rows: 3, Columns: make([]ingest.Column, 1), Parents: [][]int32{{5, 4000, 5}}, Dangling: []int{0}, Times: []int64{3, 2, 1}}
	longer := s.Append(extra)
	want, err := Build(longer)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*Graph{built, opened} {
		before := len(g.Into[0])
		for range 2 { // the first must not show in the second
			got, err := g.Append(longer)
			if err != nil {
				t.Fatal(err)
			}
			equalGraphs(t, got, want)
		}
		if len(g.Into[0]) != before || len(g.Edges) != 6 {
			t.Error("the graph that was continued has changed")
		}
		if _, err := g.Append(crowded(100)); err == nil {
			t.Error("a graph was continued by another snapshot")
		}
	}
}
