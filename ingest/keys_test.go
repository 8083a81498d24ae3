package ingest

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rowlink/rowlink/schema"
)

// keyed returns a table whose key has the given columns.
func keyed(t testing.TB, columns []schema.Column, rows ...[]any) *Table {
	def := &schema.Table{Namespace: "public", Name: "customers", Columns: columns}
	for i := range columns {
		def.Key = append(def.Key, i)
	}
	return mustFinish(t, &schema.Schema{Tables: []*schema.Table{def}}, rows).Tables[0]
}

func TestTable_find(t *testing.T) {
	table := keyed(t, cols("id int"), []any{7}, []any{math.MinInt64}, []any{math.MaxInt64})
	for _, tc := range []struct {
		key  Key
		row  int32
		find bool
	}{
		{Key{int64(math.MinInt64)}, 0, true}, {Key{int64(7)}, 1, true}, {Key{int64(math.MaxInt64)}, 2, true},
		{Key{int64(8)}, -1, false}, {Key{"7"}, -1, false}, {Key{7.0}, -1, false}, {Key{nil}, -1, false}, {Key{}, -1, false}, {nil, -1, false}, {Key{int64(7), int64(7)}, -1, false},
	} {
		if row, ok := table.Find(tc.key); row != tc.row || ok != tc.find {
			t.Errorf("Find(%#v) = %d, %v; want %d, %v", tc.key, row, ok, tc.row, tc.find)
		}
	}
	none := mustFinish(t, &schema.Schema{Tables: []*schema.Table{{Name: "log", Columns: cols("x int")}}}, [][]any{{1}}).Tables[0]
	if row, ok := none.Find(Key{int64(1)}); ok || none.Key(0) != nil || none.KeyText(0) != "" {
		t.Errorf("a table without key finds row %d", row)
	}
	padded := keyed(t, []schema.Column{{Name: "c", Kind: schema.Text, DBType: "character(3)"}}, []any{"a  "})
	if row, ok := padded.Find(Key{"a"}); row != 0 || !ok {
		t.Errorf("char(3) key: row %d, %v; want 0", row, ok)
	}
}

func TestTable_findConcurrently(t *testing.T) {
	var rows [][]any
	for i := range 3000 {
		rows = append(rows, []any{fmt.Sprint("k", i), i % 7})
	}
	table := keyed(t, cols("name text", "n int"), rows...)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for r := g; r < table.Rows; r += 8 {
				if got, ok := table.Find(table.Key(int32(r))); !ok || int(got) != r {
					t.Errorf("row %d found as %d, %v", r, got, ok)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestTable_parseKey(t *testing.T) {
	for _, tc := range []struct {
		kind, text string
		want       any
	}{
		{"int", "-9223372036854775808", int64(math.MinInt64)}, {"text", "", ""}, {"text", " x ", " x "},
		{"float", "1e3", 1000.0}, {"bool", "true", true},
		{"time", "2024-02-29", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"time", "2024-02-29T12:00:00+02:00", time.Date(2024, 2, 29, 10, 0, 0, 0, time.UTC)},
		{"time", "2024-02-29 12:00:00.5", time.Date(2024, 2, 29, 12, 0, 0, 500000000, time.UTC)},
	} {
		k, err := keyed(t, cols("id "+tc.kind)).ParseKey([]string{tc.text})
		if err != nil || !cmp.Equal(k, Key{tc.want}) {
			t.Errorf("%s %q is %#v, %v; want %#v", tc.kind, tc.text, k, err, tc.want)
		}
	}
	one, two := keyed(t, []schema.Column{{Name: "id", Kind: schema.Int, DBType: "bigint"}}), keyed(t, cols("a int", "b text"))
	none := mustFinish(t, &schema.Schema{Tables: []*schema.Table{{Name: "log"}}}, nil).Tables[0]
	for _, tc := range []struct {
		err  error
		want string
	}{
		{second(one.ParseKey([]string{"x"})), `no customers row with key "x" (bigint expected)`},
		{second(one.ParseKey([]string{"9223372036854775808"})), `no customers row with key "9223372036854775808" (bigint expected)`},
		{second(two.ParseKey([]string{"1"})), `no customers row with key "1" (the key has 2 parts: a, b; got 1)`},
		{second(none.ParseKey(nil)), `table "log" has no key, so its rows cannot be named (give it a key in the mapping, if some columns are unique)`},
		{second(one.ParseJSONKey([]byte(`1.0`))), `no customers row with key "1.0" (bigint expected)`},
		{second(one.ParseJSONKey([]byte(`null`))), `no customers row with key "null" (bigint expected)`},
		{second(one.ParseJSONKey([]byte(`{}`))), `no customers row with key "{}" (bigint expected)`},
		{second(one.ParseJSONKey([]byte(`1 2`))), `no customers row with key "1 2" (the key is no JSON value)`},
		{second(one.ParseJSONKey([]byte(`[1,2]`))), `no customers row with key "[1,2]" (the key has 1 parts: id; got 2)`},
		{second(two.ParseKeyText(`1,"b`)), `no customers row with key "1,\"b" (write a,b, parts with commas in double quotes)`},
	} {
		var user *UserError
		if !errors.As(tc.err, &user) || tc.err.Error() != tc.want {
			t.Errorf("error %v, want %s", tc.err, tc.want)
		}
	}
}

func second(_ Key, err error) error { return err }

func TestTable_parseJSONKey(t *testing.T) {
	for _, tc := range []struct {
		columns []schema.Column
		raw     string
		want    Key
	}{
		{cols("id int"), ` 9007199254740993 `, Key{int64(9007199254740993)}}, // 2^53+1: no float64
		{cols("id int"), `"42"`, Key{int64(42)}},
		{cols("id int"), `[42]`, Key{int64(42)}},
		{cols("id text"), `"a\u00e9"`, Key{"aé"}},
		{cols("id text"), `007`, nil},
		{cols("id text"), `7`, Key{"7"}},
		{cols("id float"), `1.5e1`, Key{15.0}},
		{cols("id bool"), `true`, Key{true}},
		{cols("a text", "b int"), `["x", -3]`, Key{"x", int64(-3)}},
		{cols("id time"), `"2024-01-01"`, Key{time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		got, err := keyed(t, tc.columns).ParseJSONKey([]byte(tc.raw))
		if (err == nil) != (tc.want != nil) || !cmp.Equal(got, tc.want) {
			t.Errorf("%s is %#v, %v; want %#v", tc.raw, got, err, tc.want)
		}
	}
}

// What KeyText prints, ParseKeyText reads, and Find finds.
func TestTable_keyTextRoundTrip(t *testing.T) {
	text := rapid.StringMatching(`[a-c,"\n\r é]{0,4}`)
	rapid.Check(t, func(rt *rapid.T) {
		a, b := text.Draw(rt, "a"), text.Draw(rt, "b")
		n := rapid.Int64().Draw(rt, "n")
		micros := rapid.Int64Range(-1e15, 1e15).Draw(rt, "t")
		table := keyed(t, cols("a text", "n int", "b text", "t time", "f float", "z bool"),
			[]any{a, int(n), b, time.UnixMicro(micros), float64(n) / 7, n%2 == 0})
		k, err := table.ParseKeyText(table.KeyText(0))
		if err != nil {
			rt.Fatalf("%q: %v", table.KeyText(0), err)
		}
		if _, ok := table.Find(k); !ok {
			rt.Fatalf("%q is read as %#v, want %#v", table.KeyText(0), k, table.Key(0))
		}
	})
}

func TestTable_keyHash(t *testing.T) {
	few := keyed(t, cols("a int", "b text"), []any{1, "x"}, []any{2, "x"})
	more := keyed(t, cols("a int", "b text"), []any{0, "x"}, []any{1, "x"}, []any{1, "y"}, []any{2, "x"}, []any{12, ""}, []any{1, ""})
	seen := map[uint64]string{}
	for r := range more.Rows {
		h := more.KeyHash(int32(r))
		if other, ok := seen[h]; ok {
			t.Errorf("keys %s and %s have the same hash", other, more.KeyText(int32(r)))
		}
		seen[h] = more.KeyText(int32(r))
	}
	for r := range few.Rows {
		at, _ := more.Find(few.Key(int32(r)))
		if few.KeyHash(int32(r)) != more.KeyHash(at) {
			t.Errorf("the hash of key %s changed with its neighbours", few.KeyText(int32(r)))
		}
	}
	if got, want := few.KeyHash(0), uint64(0x29ad9b12e4335a5a); got != want {
		t.Errorf("hash of (1, x) is %#x, want %#x: streams of stored models would change", got, want)
	}
	log := mustFinish(t, &schema.Schema{Tables: []*schema.Table{{Name: "log", Columns: cols("x int", "s text")}}}, [][]any{{1, "a"}, {1, nil}, {1, ""}}).Tables[0]
	if log.KeyHash(0) == log.KeyHash(1) || log.KeyHash(1) == log.KeyHash(2) {
		t.Error("rows of a table without key have equal hashes though they differ")
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"1", "1,a", `"a,b",2`, `[1,"a"]`, `9223372036854775807`, "\n", `"`, `{"a":1}`} {
		f.Add(s)
	}
	tables := []*Table{
		keyed(f, cols("id int"), []any{1}), keyed(f, cols("a int", "b text"), []any{1, "a"}),
		keyed(f, cols("f float", "z bool", "t time"), []any{1.5, true, time.UnixMicro(0)}),
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, table := range tables {
			for _, parse := range []func() (Key, error){
				func() (Key, error) { return table.ParseKeyText(s) },
				func() (Key, error) { return table.ParseJSONKey([]byte(s)) },
			} {
				k, err := parse()
				if err == nil && len(k) != len(table.Def.Key) {
					t.Fatalf("key %#v of %d parts, want %d", k, len(k), len(table.Def.Key))
				}
				var user *UserError
				if err != nil && !errors.As(err, &user) {
					t.Fatalf("error %v is no user error", err)
				}
				table.Find(k)
			}
		}
	})
}
