package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// cols makes columns of names and kinds: "id int", "name text".
func cols(specs ...string) []schema.Column {
	var out []schema.Column
	for _, s := range specs {
		name, kind, _ := strings.Cut(s, " ")
		k, ok := kindOf(kind)
		if !ok {
			panic("unknown kind " + kind)
		}
		out = append(out, schema.Column{Name: name, Kind: k, DBType: kind})
	}
	return out
}

// finish builds a snapshot from rows of Go values; nil is NULL.
func finish(s *schema.Schema, rows ...[][]any) (*Snapshot, error) {
	b := NewBuilder(s)
	for i, table := range rows {
		for _, row := range table {
			for c, v := range row {
				put(&b.Tables[i].Columns[c], v)
			}
			b.Tables[i].EndRow()
		}
	}
	return b.Finish(s, 0)
}

func put(c *ColumnBuilder, v any) {
	switch v := v.(type) {
	case nil:
		c.Null()
	case int:
		c.Int(int64(v))
	case float64:
		c.Float(v)
	case bool:
		c.Bool(v)
	case string:
		c.Text([]byte(v))
	case time.Time:
		c.Int(v.UnixMicro())
	default:
		panic(fmt.Sprintf("value of type %T", v))
	}
}

func mustFinish(t testing.TB, s *schema.Schema, rows ...[][]any) *Snapshot {
	t.Helper()
	snap, err := finish(s, rows...)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func mustDerive(t testing.TB, s *Snapshot, sc *schema.Schema) *Snapshot {
	t.Helper()
	d, err := s.Derive(sc)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// contents lists the values of a table, row by row.
func contents(t *Table) [][]any {
	out := [][]any{}
	for r := range t.Rows {
		row := []any{}
		for c := range t.Columns {
			row = append(row, t.Columns[c].Value(r))
		}
		out = append(out, row)
	}
	return out
}

func TestFinish_canonicalOrder(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, tc := range []struct {
		name    string
		columns []schema.Column
		key     []int
		want    [][]any
	}{
		{"integer key", cols("id int", "x text"), []int{0}, [][]any{{math.MinInt64, "d"}, {-1, "c"}, {0, "b"}, {math.MaxInt64, "a"}}},
		{"text by bytes", cols("id text"), []int{0}, [][]any{{""}, {"B"}, {"a"}, {"aaaaaaaaa"}, {"aaaaaaaab"}, {"é"}, {"\U0001F98A"}}},
		{"float key, NaN last", cols("id float"), []int{0}, [][]any{{-inf}, {-1.5}, {0.0}, {1e-300}, {inf}, {nan}}},
		{"composite key in key order", cols("a int", "b text"), []int{1, 0}, [][]any{{2, "x"}, {3, "x"}, {1, "y"}}},
		{"key with NULLs goes on with the other columns", cols("id text", "x int"), []int{0}, [][]any{{"a", 5}, {nil, 1}, {nil, 1}, {nil, 2}}},
		{"no key: all columns, NULL last", cols("b bool", "f float", "t text"), nil,
			[][]any{{false, 1.0, "z"}, {true, -1.0, nil}, {true, nan, "a"}, {true, nil, "a"}, {true, nil, "a"}, {nil, 0.0, nil}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &schema.Schema{Tables: []*schema.Table{{Name: "t", Columns: tc.columns, Key: tc.key}}}
			want := mustFinish(t, s, tc.want)
			if perm, err := order(want.Tables[0], nil); perm != nil || err != nil {
				t.Fatalf("the wanted order %v is not taken as one", contents(want.Tables[0]))
			}
			r := rand.New(rand.NewPCG(1, 1))
			for range 20 {
				rows := slices.Clone(tc.want)
				r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
				got := mustFinish(t, s, rows)
				if d := cmp.Diff(contents(want.Tables[0]), contents(got.Tables[0]), cmpopts.EquateNaNs()); d != "" {
					t.Fatalf("rows (-want +got):\n%s", d)
				}
				if got.ID != want.ID {
					t.Fatalf("ID %s, want %s whatever the order of the source", got.ID, want.ID)
				}
			}
		})
	}
}

func TestFinish_sortedColumnsAreNotCopied(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{{Name: "t", Columns: cols("id int"), Key: []int{0}}}}
	b := NewBuilder(s)
	for i := range 1000 {
		b.Tables[0].Columns[0].Int(int64(i))
		b.Tables[0].EndRow()
	}
	collected := b.Tables[0].Columns[0].ints.Last()
	snap, err := b.Finish(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if &snap.Tables[0].Columns[0].Ints[999] != collected {
		t.Error("the column of a table in order lies in new memory")
	}
}

// The ID tells databases apart and depends on nothing else.
func TestFinish_id(t *testing.T) {
	def := func() *schema.Schema {
		return &schema.Schema{Tables: []*schema.Table{{Name: "t", Columns: cols("id int", "x float"), Key: []int{0}}}}
	}
	base := mustFinish(t, def(), [][]any{{1, 0.0}, {2, nil}}).ID
	if len(base) != 16 {
		t.Errorf("ID %q has %d characters, want 16", base, len(base))
	}
	mapped := def()
	mapped.Tables[0].Columns[1].Sem = schema.SemIgnore
	mapped.Tables[0].Ignore, mapped.Tables[0].Estimate = true, 7
	for name, id := range map[string]string{
		"mapping":      mustFinish(t, mapped, [][]any{{1, 0.0}, {2, nil}}).ID,
		"minus zero":   mustFinish(t, def(), [][]any{{1, math.Copysign(0, -1)}, {2, nil}}).ID,
		"order":        mustFinish(t, def(), [][]any{{2, nil}, {1, 0.0}}).ID,
		"after Derive": mustDerive(t, mustFinish(t, def(), [][]any{{1, 0.0}, {2, nil}}), mapped).ID,
	} {
		if id != base {
			t.Errorf("%s: ID %s, want %s", name, id, base)
		}
	}
	renamed := def()
	renamed.Tables[0].Columns[1].Name = "y"
	keyless := def()
	keyless.Tables[0].Key = nil
	for name, id := range map[string]string{
		"another value": mustFinish(t, def(), [][]any{{1, 1.0}, {2, nil}}).ID,
		"zero for NULL": mustFinish(t, def(), [][]any{{1, 0.0}, {2, 0.0}}).ID,
		"a row more":    mustFinish(t, def(), [][]any{{1, 0.0}, {2, nil}, {3, nil}}).ID,
		"another name":  mustFinish(t, renamed, [][]any{{1, 0.0}, {2, nil}}).ID,
		"no key":        mustFinish(t, keyless, [][]any{{1, 0.0}, {2, nil}}).ID,
	} {
		if id == base {
			t.Errorf("%s has the same ID", name)
		}
	}
}

func TestFinish_anyThreads(t *testing.T) {
	build := func() *Snapshot {
		s, b := shuffled(100_000)
		snap, err := b.Finish(s, 0)
		if err != nil {
			t.Fatal(err)
		}
		return mustDerive(t, snap, s)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := build()
	runtime.GOMAXPROCS(8)
	many := build()
	if one.ID != many.ID {
		t.Errorf("IDs %s and %s", one.ID, many.ID)
	}
	equalSnapshots(t, many, one)
}

func TestFinish_errors(t *testing.T) {
	twice := &schema.Schema{Tables: []*schema.Table{{Namespace: "public", Name: "orders", Columns: cols("a int", "b text"), Key: []int{0, 1}}}}
	_, err := finish(twice, [][]any{{5, "x"}, {4, "x"}, {5, "x"}})
	want := `table "public.orders" has two rows with key 5,x (columns a, b) (repair the key in the database, or name another key in the mapping)`
	var user *UserError
	if !errors.As(err, &user) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := finish(twice, [][]any{{5, nil}, {5, nil}}); err != nil {
		t.Errorf("keys with NULL equal nothing, but: %v", err)
	}

	b := NewBuilder(twice)
	b.Tables[0].Columns[0].Int(1)
	b.Tables[0].EndRow()
	_, err = b.Finish(twice, 0)
	want = `table "public.orders": column "b" has 0 values, want one for each of 1 rows`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestFinish_repairsText(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{{Name: "t", Columns: cols("x text")}}}
	// The last two values are parts of one character, faulty though their bytes
	// together are not.
	snap := mustFinish(t, s, [][]any{{"ok"}, {"a\xffb\xc3"}, {"\u00ff"}, {"z\xc3"}, {"\xa9"}})
	want := [][]any{{"a\uFFFDb\uFFFD"}, {"ok"}, {"z\uFFFD"}, {"\u00ff"}, {"\uFFFD"}}
	if d := cmp.Diff(want, contents(snap.Tables[0])); d != "" {
		t.Errorf("values (-want +got):\n%s", d)
	}
	if len(snap.Findings) != 1 || !strings.Contains(snap.Findings[0].Detail, `column "x": 3 values are not UTF-8`) {
		t.Errorf("findings %v, want one that counts 3 values", snap.Findings)
	}
}

func TestFinish_oddTables(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "empty", Columns: cols("id int", "t text", "b bool"), Key: []int{0}},
		{Name: "no columns"},
		{Name: "opaque only", Columns: cols("blob opaque")},
	}}
	b := NewBuilder(s)
	b.Tables[1].EndRow()
	b.Tables[1].EndRow()
	b.Tables[2].EndRow()
	snap, err := b.Finish(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, rows := range []int{0, 2, 1} {
		if snap.Tables[i].Rows != rows {
			t.Errorf("table %d has %d rows, want %d", i, snap.Tables[i].Rows, rows)
		}
	}
	if !snap.Tables[2].Columns[0].Null(0) {
		t.Error("an opaque value is not NULL")
	}
}

// equalSnapshots demands the same bits in everything that a snapshot holds.
func equalSnapshots(t *testing.T, got, want *Snapshot) {
	t.Helper()
	if d := cmp.Diff(want.Schema, got.Schema, cmpopts.EquateEmpty()); d != "" || got.ID != want.ID || got.Taken != want.Taken {
		t.Errorf("ID %s taken %d, want %s taken %d; schema (-want +got):\n%s", got.ID, got.Taken, want.ID, want.Taken, d)
	}
	if d := cmp.Diff(want.Findings, got.Findings, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	for i, w := range want.Tables {
		g := got.Tables[i]
		if g.Rows != w.Rows || g.NoTime != w.NoTime || !slices.Equal(g.Dangling, w.Dangling) || !slices.Equal(g.Times, w.Times) || !slices.Equal(g.Until, w.Until) ||
			(g.Times == nil) != (w.Times == nil) || (g.Until == nil) != (w.Until == nil) {
			t.Errorf("table %s: %d rows, %d without time, dangling %v, or times differ from %d, %d, %v", w.Def.Name, g.Rows, g.NoTime, g.Dangling, w.Rows, w.NoTime, w.Dangling)
		}
		if !slices.EqualFunc(g.Parents, w.Parents, slices.Equal[[]int32]) {
			t.Errorf("table %s: parents differ", w.Def.Name)
		}
		for c := range w.Columns {
			a, b := &g.Columns[c], &w.Columns[c]
			if a.Kind != b.Kind || !bytes.Equal(a.Valid, b.Valid) || !bytes.Equal(a.Bits, b.Bits) || !slices.Equal(a.Ints, b.Ints) ||
				!bytes.Equal(mapped.Bytes(a.Floats), mapped.Bytes(b.Floats)) || !slices.Equal(a.Offsets, b.Offsets) || !bytes.Equal(a.Bytes, b.Bytes) {
				t.Errorf("table %s: column %s differs", w.Def.Name, w.Def.Columns[c].Name)
			}
		}
	}
}
