package ingest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/rowlink/rowlink/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inMemory is a source of integers.
type inMemory struct {
	schema   *schema.Schema
	rows     map[string][][]int64
	err      error
	findings []Finding
}

func (m *inMemory) Schema(context.Context) (*schema.Schema, error) { return m.schema, nil }
func (m *inMemory) Close() error                                   { return nil }
func (m *inMemory) Findings() []Finding                            { return m.findings }
func (m *inMemory) Read(_ context.Context, s *schema.Schema, b *Builder) error {
	for i, t := range s.Tables {
		for _, row := range m.rows[t.Name] {
			for c, v := range row {
				b.Tables[i].Columns[c].Int(v)
			}
			b.Tables[i].EndRow()
		}
	}
	return m.err
}

var _ Reporter = (*inMemory)(nil)

func family() *inMemory {
	many := make([][]int64, 40_000)
	for i := range many {
		many[i] = []int64{int64(len(many) - i), int64(i % 3)}
	}
	return &inMemory{
		schema: &schema.Schema{Tables: []*schema.Table{
			{Name: "parent", Columns: cols("id int"), Key: []int{0}, Estimate: 2},
			{Name: "child", Columns: cols("id int", "parent int"), Key: []int{0}, Links: []schema.Link{{Columns: []int{1}, To: 0, Ref: []int{0}}}, Estimate: -1}}},
		rows:     map[string][][]int64{"parent": {{2}, {1}}, "child": many},
		findings: []Finding{{Level: LevelInfo, Check: "values", Detail: "all fine"}},
	}
}

func TestTake(t *testing.T) {
	var seen []Progress
	snap, err := Take(t.Context(), family(), TakeOptions{Taken: 5, Progress: func(p Progress) { seen = append(seen, p) }})
	if err != nil {
		t.Fatal(err)
	}
	if snap.Taken != 5 || snap.Tables[1].Rows != 40_000 || snap.Tables[1].Dangling[0] != 13_334 {
		t.Errorf("taken %d, %d rows, dangling %v; want 5, 40000, [13334]: one in three refers to 0", snap.Taken, snap.Tables[1].Rows, snap.Tables[1].Dangling)
	}
	want := []Progress{{"child", 16384, -1}, {"child", 32768, -1}, {"parent", 2, 2}, {"child", 40000, -1}}
	if d := cmp.Diff(want, seen); d != "" {
		t.Errorf("progress (-want +got):\n%s", d)
	}
	if len(snap.Findings) != 1 || snap.Findings[0].Detail != "all fine" {
		t.Errorf("findings %v, want the source's", snap.Findings)
	}
	later, err := Take(t.Context(), family(), TakeOptions{})
	if err != nil || later.ID != snap.ID || later.Taken <= 5 {
		t.Errorf("taken again: ID %s, want %s; taken %d, want now; error %v", later.ID, snap.ID, later.Taken, err)
	}
}

func TestTake_skipsFaultyLinks(t *testing.T) {
	src := family()
	src.rows["parent"] = append(src.rows["parent"], []int64{3})
	child := src.schema.Tables[1]
	child.Links = append([]schema.Link{{Name: "twice", Columns: []int{0}, To: 1, Ref: []int{1}}}, child.Links...)
	snap, err := Take(t.Context(), src, TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Skipped{{Object: "foreign key twice of child", Reason: `link "twice" of table "child" refers to columns parent of "child", which do not identify its rows: 0 occurs twice`}}
	if d := cmp.Diff(want, snap.Schema.Skipped); d != "" {
		t.Errorf("skipped (-want +got):\n%s", d)
	}
	if got := snap.Tables[1].Parents; len(got) != 1 || got[0][1] != 1 || len(child.Links) != 2 || src.schema.Skipped != nil {
		t.Errorf("parents of %d links, of child 2 row %d, want 1 and 1; the source's schema has %d links", len(got), got[0][1], len(child.Links))
	}
}

func TestTake_errors(t *testing.T) {
	broken := family()
	broken.err = &SourceError{Op: `read table "child"`, Err: errors.New("connection reset")}
	if _, err := Take(t.Context(), broken, TakeOptions{}); err == nil || err.Error() != `read table "child": connection reset` {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Take(ctx, family(), TakeOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestOpen_errors(t *testing.T) {
	for url, want := range map[string]string{
		"shop.db":                  "database URL has no scheme",
		"mysql://u:secret@host/db": `unknown URL scheme "mysql"`,
	} {
		_, err := Open(t.Context(), url, OpenOptions{})
		var user *UserError
		if !errors.As(err, &user) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q): error %v, want %s", url, err, want)
		}
	}
}

func TestSnapshot_append(t *testing.T) {
	base, err := Take(t.Context(), family(), TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	history := func() *Table {
		return &Table{
			Def: &schema.Table{Name: "history", Columns: cols("anchor time", "label float"), Links: []schema.Link{{Name: "entity", To: 1}},
				Time: &schema.RowTime{Column: 0, Via: -1, Until: -1}},
			Rows:    2,
			Columns: []Column{{Kind: schema.Time, Ints: []int64{10, 20}}, {Kind: schema.Float, Floats: []float64{0, 1}}},
			Parents: [][]int32{{7, 0}}, Dangling: []int{0}, Times: []int64{10, 20},
		}
	}
	more := base.Append(history())
	if len(more.Tables) != 3 || len(more.Schema.Tables) != 3 || len(base.Tables) != 2 || len(base.Schema.Tables) != 2 {
		t.Fatalf("%d and %d tables, want 3; the first snapshot has %d and %d, want 2", len(more.Tables), len(more.Schema.Tables), len(base.Tables), len(base.Schema.Tables))
	}
	if other := base.Append(history()); more.Tables[2] == other.Tables[2] || more.Tables[1] != base.Tables[1] || more.ID != base.ID {
		t.Error("appending twice mixes the snapshots, or copies their tables")
	}
	for name, spoil := range map[string]func(*Table){
		"rows":    func(h *Table) { h.Rows = 3 },
		"times":   func(h *Table) { h.Times = nil },
		"parents": func(h *Table) { h.Parents = nil },
		"link":    func(h *Table) { h.Def.Links[0].To = 9 },
	} {
		h := history()
		spoil(h)
		func() {
			defer func() {
				if p, _ := recover().(string); !strings.HasPrefix(p, `ingest: appended table "history"`) {
					t.Errorf("%s: panic %q, want one that names the table", name, p)
				}
			}()
			base.Append(h)
		}()
	}
}
