package parquet

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/sourcetest"
	"github.com/rowlink/rowlink/schema"
)

func TestSource_contract(t *testing.T) {
	want := sourcetest.Fixture(t)
	dir := t.TempDir()
	for i, table := range want.Tables {
		var b bytes.Buffer
		if err := WriteTable(&b, want, i); err != nil {
			t.Fatal(err)
		}
		save(t, filepath.Join(dir, table.Def.Name+".parquet"), b.Bytes())
	}
	sourcetest.Run(t, want, "parquet:"+dir, ingest.OpenOptions{})
	sourcetest.Run(t, want, "relbench:"+dir, ingest.OpenOptions{})
}

func save(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// newFile makes a Parquet file of one record batch, with metadata as pairs.
func newFile(t *testing.T, path, rows string, fields []arrow.Field, meta ...string) {
	t.Helper()
	sc := arrow.NewSchema(fields, nil)
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, sc, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(sc, &b, parquet.NewWriterProperties(), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(batch); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(meta); i += 2 {
		if err := w.AppendKeyValueMetadata(meta[i], meta[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	save(t, path, b.Bytes())
}

func take(t *testing.T, url string) *ingest.Snapshot {
	t.Helper()
	src, err := ingest.Open(t.Context(), url, ingest.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	snap, err := ingest.Take(t.Context(), src, ingest.TakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

const (
	raceRows   = `[{"raceId": 1, "date": "2020-01-01T00:00:00", "made": "2019-01-01T00:00:00"}, {"raceId": 2, "date": "2021-01-01T00:00:00", "made": "2019-01-01T00:00:00"}]`
	resultRows = `[{"resultId": 7, "raceId": 2, "born": "1990-01-01T00:00:00"}, {"resultId": 8, "raceId": null, "born": "1991-01-01T00:00:00"}]`
)

func raceFields() []arrow.Field {
	at := &arrow.TimestampType{Unit: arrow.Nanosecond}
	return []arrow.Field{{Name: "raceId", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "date", Type: at, Nullable: true}, {Name: "made", Type: at, Nullable: true}}
}

func resultFields() []arrow.Field {
	return []arrow.Field{{Name: "resultId", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "raceId", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "born", Type: &arrow.TimestampType{Unit: arrow.Nanosecond}, Nullable: true}}
}

// The three layouts of a RelBench data set give the same keys, links and times: the
// manifest of version 3 and the metadata of version 2's cache, whole or its db alone.
func TestRelBench_layouts(t *testing.T) {
	three, two := t.TempDir(), t.TempDir()
	save(t, filepath.Join(three, "manifest.yaml"), []byte(`manifest_version: 1
name: rel-tiny
val_timestamp: "2020-06-01"
tables:
  races: {pkey: raceId, time_col: date, fkeys: {}}
  results:
    pkey: resultId
    time_col: null
    fkeys: {raceId: races}
`))
	newFile(t, filepath.Join(three, "db", "races.parquet"), raceRows, raceFields())
	newFile(t, filepath.Join(three, "db", "results.parquet"), resultRows, resultFields())
	newFile(t, filepath.Join(three, "db", "notes.parquet"), `[{"x": 1}]`, []arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8}})
	newFile(t, filepath.Join(two, "db", "races.parquet"), raceRows, raceFields(), "fkey_col_to_pkey_table", "{}", "pkey_col", `"raceId"`, "time_col", `"date"`)
	newFile(t, filepath.Join(two, "db", "results.parquet"), resultRows, resultFields(), "fkey_col_to_pkey_table", `{"raceId": "races"}`, "pkey_col", `"resultId"`, "time_col", "null")
	for _, url := range []string{"relbench:" + three, "relbench:" + two, "relbench:" + filepath.Join(two, "db"), "parquet:" + filepath.Join(two, "db")} {
		snap := take(t, url)
		sc := snap.Schema.Clone()
		schema.Infer(sc, snap.Stats())
		snap, err := snap.Derive(sc)
		if err != nil {
			t.Fatal(err)
		}
		races, results := snap.Tables[0], snap.Tables[1]
		if len(snap.Tables) != 2 || len(races.Def.Key) != 1 || len(results.Def.Links) != 1 {
			t.Fatalf("%s: %d tables, key %v, links %v", url, len(snap.Tables), races.Def.Key, results.Def.Links)
		}
		if p := results.Parents[0]; p[0] != 1 || p[1] != -1 {
			t.Errorf("%s: parents %v, want 1 and none", url, p)
		}
		if races.Def.Time == nil || races.Def.Time.Column != 1 || races.Times[1] != time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() {
			t.Errorf("%s: time of races is %+v", url, races.Def.Time)
		}
		if !results.Def.TimeDeclared || results.Def.Time != nil {
			t.Errorf("%s: time of results is %+v, want none as declared", url, results.Def.Time)
		}
	}
}

func TestSource_userErrors(t *testing.T) {
	dir := t.TempDir()
	newFile(t, filepath.Join(dir, "plain", "a.parquet"), `[{"x": 1}]`, []arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8}})
	save(t, filepath.Join(dir, "broken", "a.parquet"), []byte("PAR1 nothing"))
	save(t, filepath.Join(dir, "manifest", "db", "a.parquet"), nil)
	save(t, filepath.Join(dir, "manifest", "manifest.yaml"), []byte("tables: {}"))
	save(t, filepath.Join(dir, "empty", "x.txt"), nil)
	tests := []struct{ url, want string }{
		{"parquet:", "names no folder"},
		{"parquet:" + dir + "/none", "no folder"},
		{"parquet:" + dir + "/plain/a.parquet", "is a file"},
		{"parquet:" + dir + "/empty", "no .parquet file"},
		{"parquet:" + dir + "/broken", "open"},
		{"relbench:" + dir + "/plain", "says nothing of its keys"},
		{"relbench:" + dir + "/manifest", "lists no tables"},
	}
	for _, tt := range tests {
		src, err := ingest.Open(t.Context(), tt.url, ingest.OpenOptions{})
		if err == nil {
			_, err = src.Schema(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.url, err, tt.want)
		}
	}
	if snap := take(t, "parquet:"+dir+"/plain"); snap.Tables[0].Rows != 1 {
		t.Errorf("%d rows, want 1", snap.Tables[0].Rows)
	}
}

// What a snapshot holds of values of each type of Arrow.
func TestDecoder_types(t *testing.T) {
	mem := memory.DefaultAllocator
	tests := []struct {
		typ  arrow.DataType
		json string
		want string
	}{
		{arrow.FixedWidthTypes.Boolean, `[true, null]`, "bool true NULL"},
		{arrow.PrimitiveTypes.Int8, `[-128]`, "int -128"},
		{arrow.PrimitiveTypes.Int64, `[-9223372036854775808, 9223372036854775807]`, "int -9223372036854775808 9223372036854775807"},
		{arrow.PrimitiveTypes.Uint32, `[4294967295]`, "int 4294967295"},
		{arrow.PrimitiveTypes.Uint64, `[9223372036854775807, 18446744073709551615]`, "int 9223372036854775807 NULL, 1 lost"},
		{arrow.PrimitiveTypes.Float32, `[0.5]`, "float 0.5"},
		{arrow.PrimitiveTypes.Float64, `[0.1, null]`, "float 0.1 NULL"},
		{arrow.BinaryTypes.String, `["", "é", null]`, `text "" "é" NULL`},
		{arrow.BinaryTypes.LargeString, `["x"]`, `text "x"`},
		{arrow.PrimitiveTypes.Date32, `["2024-02-29", "1969-12-31"]`, "time 1709164800000000 -86400000000"},
		{&arrow.TimestampType{Unit: arrow.Second}, `["2024-02-29 12:00:00"]`, "time 1709208000000000"},
		{&arrow.TimestampType{Unit: arrow.Nanosecond}, `["1969-12-31 23:59:59.999999999"]`, "time -1"},
		{arrow.FixedWidthTypes.Time32ms, `["23:59:59.5"]`, "float 86399.5"},
		{arrow.FixedWidthTypes.Time64us, `["00:00:01"]`, "float 1"},
		{&arrow.Decimal128Type{Precision: 10, Scale: 2}, `["12.34"]`, "float 12.34"},
		{&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, `["a", "b", "a", null]`, `text "a" "b" "a" NULL`},
		{arrow.ListOf(arrow.PrimitiveTypes.Int64), `[[1, null, 3], [], null]`, `text "[1,null,3]" "[]" NULL`},
		{arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int64}), `[{"a": 1}]`, `text "{\"a\":1}"`},
		{arrow.Null, `[null]`, "text NULL"},
		{arrow.BinaryTypes.Binary, `["AA=="]`, "opaque"},
	}
	for _, tt := range tests {
		a, _, err := array.FromJSON(mem, tt.typ, strings.NewReader(tt.json))
		if err != nil {
			t.Errorf("%v: %v", tt.typ, err)
			continue
		}
		if got := decoded(t, decoderOf(tt.typ), a); got != tt.want {
			t.Errorf("%v: %s is stored as %s, want %s", tt.typ, tt.json, got, tt.want)
		}
	}
	b := array.NewFloat64Builder(mem)
	b.AppendValues([]float64{math.NaN(), math.Inf(1), -1}, nil)
	if got, want := decoded(t, decoderOf(arrow.PrimitiveTypes.Float64), b.NewArray()), "float NULL NULL -1, 1 lost"; got != want {
		t.Errorf("stored as %s, want %s: pandas writes NaN for a missing number", got, want)
	}
}

func decoded(t *testing.T, d decoder, a arrow.Array) string {
	t.Helper()
	sc := &schema.Schema{Tables: []*schema.Table{{Name: "t", Columns: []schema.Column{{Name: "n", Kind: schema.Int}, {Name: "c", Kind: d.kind}}, Key: []int{0}}}}
	b := ingest.NewBuilder(sc)
	lost := 0
	if d.kind != schema.Opaque {
		var err error
		if lost, err = d.append(&b.Tables[0].Columns[1], a); err != nil {
			t.Fatal(err)
		}
	}
	for i := range a.Len() {
		b.Tables[0].Columns[0].Int(int64(i))
		b.Tables[0].EndRow()
	}
	snap, err := b.Finish(sc, 0)
	if err != nil {
		t.Fatal(err)
	}
	out, c := d.kind.String(), &snap.Tables[0].Columns[1]
	for r := range a.Len() {
		switch {
		case d.kind == schema.Opaque:
		case c.Null(r):
			out += " NULL"
		case d.kind == schema.Text:
			out += fmt.Sprintf(" %q", c.Text(r))
		case d.kind == schema.Time:
			out += fmt.Sprint(" ", c.Ints[r])
		default:
			out += fmt.Sprint(" ", c.Value(r))
		}
	}
	if lost > 0 {
		out += fmt.Sprintf(", %d lost", lost)
	}
	return out
}
