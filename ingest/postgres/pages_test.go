package postgres

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// inRanges reads a database with large tables cut into ranges of chunk bytes.
func inRanges(t *testing.T, u string, chunk int64, change func(*Source)) (*ingest.Snapshot, error) {
	t.Helper()
	s := mustOpen(t, u)
	s.chunk = chunk
	if change != nil {
		change(s)
	}
	return ingest.Take(t.Context(), s, ingest.TakeOptions{})
}

// Ranges of pages give the rows of one stream: on a bloated table with updated and
// deleted rows, on partitions of unequal size and several levels, and where rows are
// added while the read runs.
func TestCase81_ranges(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE TABLE bloated (id int, v text) WITH (fillfactor = 50)",
		"INSERT INTO bloated SELECT g, repeat('x', g % 50) FROM generate_series(1, 20000) g",
		"UPDATE bloated SET v = v || 'y' WHERE id % 3 = 0", "DELETE FROM bloated WHERE id % 5 = 0 OR id BETWEEN 8000 AND 12000",
		"ALTER TABLE bloated ADD PRIMARY KEY (id)",
		"CREATE TABLE part (id int, k int) PARTITION BY RANGE (id)",
		"CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (1000)",
		"CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (1000) TO (100000) PARTITION BY RANGE (k)",
		"CREATE TABLE part_2_1 PARTITION OF part_2 FOR VALUES FROM (0) TO (5)",
		"CREATE TABLE part_2_2 PARTITION OF part_2 FOR VALUES FROM (5) TO (10)",
		"INSERT INTO part SELECT g, g % 10 FROM generate_series(1, 30000) g",
		"CREATE TABLE empty (id int PRIMARY KEY)", "CREATE TABLE one (id int PRIMARY KEY)", "INSERT INTO one VALUES (1)")
	want := mustTake(t, u)
	if n := want.Tables[want.Schema.Table("part")].Rows; n != 30000 {
		t.Fatalf("%d rows in partitions, want 30000", n)
	}
	for _, chunk := range []int64{1 << 13, 1 << 16, 1 << 18} {
		got, err := inRanges(t, u, chunk, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != want.ID {
			t.Errorf("ranges of %d bytes: snapshot %s, want %s", chunk, got.ID, want.ID)
		}
	}
}

// Every page belongs to exactly one range, and halves cover their whole.
func TestSpan_halves(t *testing.T) {
	var cover func(s span) int64
	cover = func(s span) int64 {
		a, b, ok := s.halves()
		if !ok {
			return s.to - s.from
		}
		if a.from != s.from || a.to != b.from || b.to != s.to || a.last || b.last != s.last {
			t.Errorf("%v in halves: %v and %v", s, a, b)
		}
		return cover(a) + cover(b)
	}
	for _, s := range []span{{0, 1, false}, {0, 7, true}, {3, 1000, false}} {
		if n := cover(s); n != s.to-s.from {
			t.Errorf("the halves of %v cover %d pages", s, n)
		}
	}
}

// A range that a time-out ends is read in halves, with the same result: the first limit
// at which the read succeeds is shorter than a whole range needs.
func TestCase50_statementTimeout(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE TABLE big (id int PRIMARY KEY, v text)",
		"INSERT INTO big SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, 60000) g")
	want := mustTake(t, u)
	s := mustOpen(t, u)
	s.chunk = 8 << 20
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for limit := 4 * time.Millisecond; ; limit *= 2 {
		s.piece = limit
		b := ingest.NewBuilder(sch)
		if err := s.Read(t.Context(), sch, b); err != nil {
			if state(err) != "57014" || limit > 10*time.Second {
				t.Fatalf("limit %v: error %v, want a time-out", limit, err)
			}
			continue // too short even for the catalog or a single page
		}
		snap, err := b.Finish(sch, 0)
		if err != nil {
			t.Fatal(err)
		}
		if snap.ID != want.ID {
			t.Errorf("limit %v: snapshot %s, want %s", limit, snap.ID, want.ID)
		}
		return
	}
}

// Workers that are killed in the middle of a range lose and double nothing.
func TestCase51_killedInRange(t *testing.T) {
	u := twoTables(t, 40000, 400)
	want := mustTake(t, u).ID
	s := mustOpen(t, u)
	s.chunk = 4 << 20
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := ingest.NewBuilder(sch)
	var kills atomic.Int32
	b.Progress = func(int, int64) {
		if kills.Add(1) <= 3 {
			mustExec(t, admin(t, u), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rowlink' AND state = 'active'")
		}
	}
	if err := s.Read(t.Context(), sch, b); err != nil {
		t.Fatal(err)
	}
	if kills.Load() == 0 {
		t.Fatal("nothing was killed")
	}
	snap, err := b.Finish(sch, 0)
	if err != nil {
		t.Fatal(err)
	}
	if snap.ID != want {
		t.Errorf("snapshot %s, want %s", snap.ID, want)
	}
}

// A snapshot that grows too old is given up with the way out.
func TestCase45_maxAge(t *testing.T) {
	u := twoTables(t, bigRows, 10)
	s, err := Open(t.Context(), u, ingest.OpenOptions{MaxAge: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sch, err := s.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = s.Read(t.Context(), sch, ingest.NewBuilder(sch))
	var source *ingest.SourceError
	if !errors.As(err, &source) || !strings.Contains(err.Error(), "--max-age") {
		t.Errorf("error %v, want one that names --max-age", err)
	}
}

// Before that, a read that came near is warned of.
func TestCase45_warning(t *testing.T) {
	for held, want := range map[time.Duration]int{10 * time.Minute: 0, 21 * time.Minute: 1} {
		s := &Source{}
		s.warnOfAge(held, maxAge)
		if got := s.Findings(); len(got) != want {
			t.Errorf("after %v: %v, want %d findings", held, got, want)
		}
	}
}

// Values longer than the limit are cut at a character, counted, and never sent whole.
func TestCase76_longValues(t *testing.T) {
	u := pgtest.URL(t)
	mustExec(t, admin(t, u), "CREATE TABLE long (id int PRIMARY KEY, v text, w varchar(5))",
		fmt.Sprintf("INSERT INTO long VALUES (1, 'a' || repeat('é', %d), 'x'), (2, repeat('b', %d), 'y'), (3, repeat('c', %d), NULL)", maxValue, maxValue, 20*maxValue))
	snap := mustTake(t, u)
	c := &snap.Tables[0].Columns[1]
	if got := c.Text(0); len(got) != maxValue-1 || !strings.HasSuffix(got, "éé") {
		t.Errorf("a long text of two-byte characters is %d bytes, want %d", len(got), maxValue-1)
	}
	if len(c.Text(1)) != maxValue || len(c.Text(2)) != maxValue {
		t.Errorf("texts of %d and %d bytes, want %d", len(c.Text(1)), len(c.Text(2)), maxValue)
	}
	if len(snap.Findings) != 1 || !strings.Contains(snap.Findings[0].Detail, "public.long.v: longer than 1048576 bytes in 2 rows") {
		t.Errorf("findings %v, want one about 2 rows", snap.Findings)
	}
}
