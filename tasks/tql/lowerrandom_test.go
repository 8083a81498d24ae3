package tql

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/labeltest"
	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// randomRows gives each table of the test schema its number of rows.
var randomRows = map[string]int{"users": 12, "items": 6, "orders": 90, "returns": 30, "lines": 60, "transfers": 40,
	"posts": 30, "addresses": 10, "Visits": 30, "log": 30, "secrets": 3, "islands": 3}

// randomData draws rows with NULLs, dangling references, rows of equal time, times on
// the bounds of windows, and NaN. Keys are 1, 2, ...; one row per slice.
func randomData(sc *schema.Schema, seed uint64) [][][]any {
	r := rand.New(rand.NewPCG(seed, 1))
	data := make([][][]any, len(sc.Tables))
	for i, t := range sc.Tables {
		for n := range rowsIn(t) {
			row := make([]any, len(t.Columns))
			for c := range t.Columns {
				row[c] = randomCell(r, sc, t, c, n)
			}
			data[i] = append(data[i], row)
		}
	}
	return data
}

// oddTimes are local times that a clock change skips or shows twice: of New York and of
// Berlin, in autumn and in spring.
var oddTimes = []int64{day(-59) + 90*60e6, day(-66) + 150*60e6, day(67) + 150*60e6, day(88) + 150*60e6}

// rowsIn is how many rows a table gets.
func rowsIn(t *schema.Table) int {
	if n, ok := randomRows[t.Name]; ok {
		return n
	}
	return 40
}

// keyCell is a key; those of text have the order of numbers too.
func keyCell(c *schema.Column, n int) any {
	if c.Kind == schema.Text {
		return fmt.Sprintf("k%03d", n)
	}
	return int64(n)
}

func randomCell(r *rand.Rand, sc *schema.Schema, t *schema.Table, c, n int) any {
	col := &t.Columns[c]
	inKey := slices.Contains(t.Key, c)
	for _, l := range t.Links {
		if l.Columns[0] == c {
			switch {
			case inKey:
				return keyCell(col, 1+n/3) // lines: three to an order
			case !col.NotNull && r.IntN(8) == 0:
				return nil
			}
			return keyCell(col, 1+r.IntN(rowsIn(sc.Tables[l.To])+1)) // the last one dangles
		}
	}
	switch {
	case inKey && len(t.Key) > 1:
		return keyCell(col, n%3)
	case inKey:
		return keyCell(col, n+1)
	case !col.NotNull && r.IntN(5) == 0:
		return nil
	}
	switch col.Kind {
	case schema.Bool:
		return r.IntN(2) == 0
	case schema.Int:
		return int64(r.IntN(6) - 1)
	case schema.Float:
		if col.DBType == "double precision" && r.IntN(6) == 0 {
			return math.NaN()
		}
		return float64(r.IntN(40)-10) / 4
	case schema.Text:
		return []string{"a", "B", "aa", "日", "", "x%y", `b\`, "it's", "AB"}[r.IntN(9)]
	case schema.Time:
		d := r.IntN(130)
		switch {
		case col.Name == "closed" || col.Name == "ended":
			d += 60
		case col.Name == "created_at":
			d = r.IntN(60)
		}
		at := day(d - 20)
		switch {
		case col.DBType == "date":
		case r.IntN(12) == 0:
			at = oddTimes[r.IntN(len(oddTimes))]
		default:
			at += int64(r.IntN(4))*6*3600e6 + int64(r.IntN(3)-1)*int64(r.IntN(2))
		}
		return time.UnixMicro(at).UTC()
	}
	return nil
}

// snapshotOf builds the snapshot of drawn rows.
func snapshotOf(t testing.TB, sc *schema.Schema, data [][][]any) *ingest.Snapshot {
	t.Helper()
	b := ingest.NewBuilder(sc)
	for i, rows := range data {
		for _, row := range rows {
			for c, v := range row {
				put(&b.Tables[i].Columns[c], v)
			}
			b.Tables[i].EndRow()
		}
	}
	return finish(t, b, sc)
}

func put(b *ingest.ColumnBuilder, v any) {
	switch v := v.(type) {
	case bool:
		b.Bool(v)
	case int64:
		b.Int(v)
	case float64:
		b.Float(v)
	case string:
		b.Text([]byte(v))
	case time.Time:
		b.Int(v.UnixMicro())
	default:
		b.Null()
	}
}

// load creates the tables of a schema, without foreign keys since some dangle.
func load(t testing.TB, url string, sc *schema.Schema, data [][][]any) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	loadTables(t, conn, sc, data)
}

func loadTables(t testing.TB, conn *pgx.Conn, sc *schema.Schema, data [][][]any) {
	t.Helper()
	ctx := context.Background()
	for i, table := range sc.Tables {
		defs := make([]string, len(table.Columns))
		for c, col := range table.Columns {
			defs[c] = identifier(col.Name) + " " + col.DBType
		}
		sql := "CREATE TABLE " + (&lowering{sc: sc}).table(i) + " (" + strings.Join(defs, ", ") + ")"
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{table.Namespace, table.Name}, columnNames(table), pgx.CopyFromRows(data[i])); err != nil {
			t.Fatalf("fill %s: %v", table.Name, err)
		}
	}
	if _, err := conn.Exec(ctx, "ANALYZE"); err != nil { // plans without statistics take up to ten times as long
		t.Fatal(err)
	}
}

// randomOptions are the options of random tasks: dates between which the drawn rows lie.
const randomOptions = "val_anchor = '2020-02-20', test_anchor = '2020-03-26', step = '7 days', eval_anchors = 2, data_from = '2019-12-01', data_until = '2020-07-01'"

// TestSQL_random compares the lowered SQL of random tasks with the executor in memory
// on random rows.
func TestSQL_random(t *testing.T) {
	counts := &randomCounts{map[string]int{}, map[string]int{}}
	for _, c := range []struct {
		name, options string
		zone          string // of the mapping
		dayEnd        bool
	}{
		{"plain", "", "", false},
		{"strict", ", past = strict, entity_time = ignore", "", false},
		{"frozen", ", regime = frozen, val_regime = frozen", "", false},
		{"zones", ", time_zone = 'Europe/Berlin'", "America/New_York", false},
		{"days", "", "", true},
		{"local days", "", "Europe/Berlin", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := undeclared(ddlSchema(t))
			for _, table := range sc.Tables {
				if table.Time != nil && table.Time.Via < 0 {
					table.Time.Zone = c.zone
					table.Time.DayEnd = c.dayEnd && table.Columns[table.Time.Column].DBType == "date"
				}
			}
			data := randomData(sc, 7)
			url := pgtest.URL(t)
			load(t, url, sc, data)
			snap := snapshotOf(t, sc, data)
			checkRandom(t, url, sc, snap, c.options, counts)
		})
	}
	if !t.Failed() {
		counts.holds(t)
	}
}

// randomCounts tells which kinds of tasks a random test ran, and how many examples each gave.
type randomCounts struct {
	ran, examples map[string]int
}

// kinds names what a task covers, for the counts.
func (*randomCounts) kinds(task *tasks.Task, sc *schema.Schema) []string {
	out := []string{"all"}
	r := task.Ranking
	if r == nil {
		return out
	}
	a := task.Target.(*tasks.Aggregate)
	for _, c := range []struct {
		name string
		is   bool
	}{{"ranking", true}, {"including new", r.IncludingNew && sc.Tables[r.Items].Time != nil}, {"exclude seen", r.ExcludeSeen}, {"filter", a.Filter != nil},
		{"long path", len(a.Path) > 1}, {"key behind ->", len(a.Arg.(*tasks.ColumnExpr).Links) > 0}, {"composite key", len(sc.Tables[task.Entity].Key) > 1}} {
		if c.is {
			out = append(out, c.name)
		}
	}
	return out
}

func (n *randomCounts) add(task *tasks.Task, sc *schema.Schema, examples int) {
	for _, kind := range n.kinds(task, sc) {
		n.ran[kind]++
		n.examples[kind] += examples
	}
}

// holds demands that tasks and rankings ran and gave examples, and that of every kind that
// was drawn often (rapid draws what it likes) some did.
func (n *randomCounts) holds(t *testing.T) {
	t.Helper()
	for _, kind := range []string{"all", "ranking", "including new", "exclude seen", "filter", "long path", "key behind ->", "composite key"} {
		t.Logf("%s: %d tasks with %d examples", kind, n.ran[kind], n.examples[kind])
		if often := n.ran[kind] >= 20 || kind == "all" || kind == "ranking"; often && n.examples[kind] == 0 {
			t.Errorf("%s: no example", kind)
		}
	}
}

// checkRandom compares the executor in memory with the naive one and with Postgres.
func checkRandom(t *testing.T, url string, sc *schema.Schema, snap *ingest.Snapshot, options string, counts *randomCounts) {
	conn := connect(t, url)
	rapid.Check(t, func(r *rapid.T) {
		g := newTaskGen(r, sc)
		drawn := g.task()
		more := options
		if drawn.Ranking != nil && drawn.Ranking.ExcludeSeen {
			more += ", exclude_seen = true"
		}
		text := "CREATE TASK t AS " + g.text(drawn) + " WITH (" + randomOptions + more + ")"
		task, err := Bind(text, sc)
		if err != nil {
			return
		}
		if task.Static() && (strings.Contains(options, "frozen") || sc.Tables[task.Entity].Time == nil) {
			return // rows are split by a hash, or the regime is refused
		}
		labels, err := tasks.Label(t.Context(), snap, task, 1)
		if err != nil {
			r.Fatalf("%s\n%v", text, err)
		}
		grid, err := task.Grid()
		if err != nil {
			r.Fatalf("%s\n%v", text, err)
		}
		sql, err := SQL(task, sc, grid)
		if err != nil {
			r.Fatalf("%s\n%v", text, err)
		}
		want := labelRows(labels, snap.Tables[task.Entity])
		naive, err := labeltest.Naive{Snap: snap, Task: task}.Examples()
		if err != nil {
			r.Fatalf("%s\n%v", text, err)
		}
		if msg := sameRows(naiveRows(naive, snap.Tables[task.Entity]), want); msg != "" {
			r.Fatalf("%s\nnaive executor: %s", text, msg)
		}
		have := query(r, conn, sql)
		if msg := sameRows(have, want); msg != "" {
			r.Fatalf("%s\n%s\n%s", text, msg, sql)
		}
		counts.add(task, sc, len(want))
	})
}
