package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/rowlink/rowlink/internal/mapped"
	"github.com/rowlink/rowlink/schema"
)

// sample is a snapshot with every kind, NULLs, links, times, findings and odd tables.
func sample(t testing.TB) *Snapshot {
	s := &schema.Schema{
		Skipped: []schema.Skipped{{Object: "v", Reason: "view"}},
		Tables: []*schema.Table{
			{Namespace: "public", Name: "a/b \"c\"", Columns: cols("id int", "b bool", "f float", "t text", "at time", "x opaque"), Key: []int{0}, KeyReason: "declared",
				Unique: [][]int{{3}}, Estimate: -1, TimeNote: "none better", Time: &schema.RowTime{Column: 4, Via: -1, Until: 4, Zone: "Europe/Berlin", Reason: "mapping"}},
			{Name: "child", Columns: cols("a int", "t text"), Links: []schema.Link{
				{Name: "child_a", Columns: []int{0}, To: 0, Ref: []int{0}, Reason: "declared"}, {Name: "t", Columns: []int{1}, To: 0, Ref: []int{3}}},
				Time: &schema.RowTime{Column: -1, Via: 0, Until: -1}},
			{Name: "empty", Columns: cols("id int", "t text", "b bool", "f float"), Key: []int{0}, Links: []schema.Link{{Columns: []int{0}, To: 0, Ref: []int{0}}}},
			{Name: "no columns", Ignore: true},
		}}
	s.Tables[0].Columns[1].Sem, s.Tables[0].Columns[1].Reason, s.Tables[0].Columns[0].NotNull = schema.SemBoolean, "boolean", true
	s.Tables[0].Columns[4].DBType = "timestamp without time zone"
	b := NewBuilder(s)
	for i := range 21 {
		c := b.Tables[0].Columns
		c[0].Int(int64(i * 1000))
		if i%3 == 0 {
			c[1].Null()
			c[2].Null()
			c[4].Null()
		} else {
			c[1].Bool(i%2 == 0)
			c[2].Float([]float64{math.NaN(), math.Inf(-1), 0.1}[i%3])
			c[4].Int(int64(i) * 1e12)
		}
		c[3].Text([]byte(strings.Repeat("é\xff", i)))
		b.Tables[0].EndRow()
	}
	for i := range 5 {
		b.Tables[1].Columns[0].Int(int64(i * 500))
		b.Tables[1].Columns[1].Null()
		b.Tables[1].EndRow()
	}
	b.Tables[3].EndRow()
	snap, err := b.Finish(s, 1234567890)
	if err != nil {
		t.Fatal(err)
	}
	d, err := snap.Derive(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSave_roundTrip(t *testing.T) {
	want := sample(t)
	dir := filepath.Join(t.TempDir(), "new", "snapshot")
	if err := want.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := OpenSnapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	equalSnapshots(t, got, want)

	again := filepath.Join(t.TempDir(), "again")
	if err := got.Save(again); err != nil {
		t.Fatal(err)
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1+len(want.Tables) {
		t.Fatalf("folder holds %v, %v; want the manifest and one file for each of %d tables", names, err, len(want.Tables))
	}
	for _, n := range names {
		if a, b := read(t, filepath.Join(dir, n.Name())), read(t, filepath.Join(again, n.Name())); !bytes.Equal(a, b) {
			t.Errorf("%s differs when a reopened snapshot is saved", n.Name())
		}
	}
	if rest, _ := os.ReadDir(filepath.Dir(dir)); len(rest) != 1 {
		t.Errorf("beside the snapshot lie %v", rest)
	}
	if err := want.Save(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("saving twice: error %v, want %v", err, fs.ErrExist)
	}
}

// A new field of a schema must be stored too.
func TestManifest_everyField(t *testing.T) {
	for _, c := range []struct {
		of, stored any
		apart      int // fields stored elsewhere less fields about files
	}{
		{schema.Column{}, manifestColumn{}, 0},
		{schema.Link{}, manifestLink{}, -1},   // Dangling
		{schema.Table{}, manifestTable{}, -5}, // File, Bytes, two checksums, Rows
		{schema.Schema{}, manifest{}, -5},     // Format, ID, Taken, Findings, Checksum
	} {
		a, b := reflect.TypeOf(c.of), reflect.TypeOf(c.stored)
		if a.NumField() != b.NumField()+c.apart {
			t.Errorf("%v has %d fields and %v stores %d: extend it and docs/format/snapshot.md", a, a.NumField(), b, b.NumField()+c.apart)
		}
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Columns are views of the mapped file, not copies.
func TestOpenSnapshot_noCopies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	if err := sample(t).Save(dir); err != nil {
		t.Fatal(err)
	}
	m, err := mapped.Map(filepath.Join(dir, fileName(0)))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	def := sample(t).Tables[0].Def
	table, err := readTable(m.Data, def, 21, nil)
	if err != nil {
		t.Fatal(err)
	}
	lo := uintptr(unsafe.Pointer(&m.Data[0]))
	inside := func(name string, p unsafe.Pointer) {
		if at := uintptr(p); at < lo || at >= lo+uintptr(len(m.Data)) {
			t.Errorf("%s lies outside the file", name)
		}
	}
	c := table.Columns
	inside("validity", unsafe.Pointer(&c[1].Valid[0]))
	inside("booleans", unsafe.Pointer(&c[1].Bits[0]))
	inside("integers", unsafe.Pointer(&c[0].Ints[0]))
	inside("floats", unsafe.Pointer(&c[2].Floats[0]))
	inside("offsets", unsafe.Pointer(&c[3].Offsets[0]))
	inside("text", unsafe.Pointer(&c[3].Bytes[0]))
	inside("times", unsafe.Pointer(&c[4].Ints[0]))
}

func TestSnapshot_closeTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	if err := sample(t).Save(dir); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSnapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := mustDerive(t, s, s.Schema)
	for _, s := range []*Snapshot{d, s, d, sample(t)} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A folder with any byte altered or any file cut is refused with a message.
func TestOpenSnapshot_damage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	if err := sample(t).Save(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{manifestName, fileName(0)} {
		path := filepath.Join(dir, name)
		whole := read(t, path)
		for at := 0; at < len(whole); at += 1 + at%29 {
			damaged := bytes.Clone(whole)
			damaged[at] ^= 1 << (at % 8)
			write(t, path, damaged)
			if s, err := OpenSnapshot(dir); err == nil {
				// JSON has some freedom of writing that changes nothing.
				if name != manifestName {
					t.Fatalf("%s with byte %d altered was opened", name, at)
				}
				equalSnapshots(t, s, sample(t))
				s.Close()
			}
		}
		for _, n := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
			write(t, path, whole[:n])
			if _, err := OpenSnapshot(dir); err == nil || !strings.Contains(err.Error(), "open snapshot") {
				t.Errorf("%s cut to %d bytes: error %v", name, n, err)
			}
		}
		write(t, path, whole)
	}
	for name, want := range map[string]string{fileName(1): "no such file", manifestName: "no such file"} {
		path := filepath.Join(dir, name)
		whole := read(t, path)
		os.Remove(path)
		if _, err := OpenSnapshot(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: error %v, want %s", name, err, want)
		}
		write(t, path, whole)
	}
	write(t, filepath.Join(dir, manifestName), []byte(`{"format": 99}`))
	_, err := OpenSnapshot(dir)
	if want := "format version 99, want 1: ingest the database again"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

// Without checksums nothing that could break a reader passes.
func TestOpenSnapshot_skipChecksum(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	if err := sample(t).Save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fileName(0))
	whole := read(t, path)
	opened, tried := 0, 0
	for at := 0; at < len(whole); at += 3 {
		tried++
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x81
		write(t, path, damaged)
		s, err := OpenSnapshotWith(dir, StoreOptions{SkipChecksum: true})
		if err != nil {
			continue
		}
		opened++
		touch(s)
		s.Close()
	}
	if opened == 0 || opened == tried {
		t.Errorf("%d of %d altered files were opened; want those whose values changed, not those whose structure did", opened, tried)
	}
}

// touch reads every value of a snapshot.
func touch(s *Snapshot) {
	for _, table := range s.Tables {
		for r := range table.Rows {
			for c := range table.Columns {
				table.Columns[c].Value(r)
			}
			table.KeyHash(int32(r))
			for l, p := range table.Parents {
				if p[r] >= 0 {
					s.Tables[table.Def.Links[l].To].KeyText(p[r])
				}
			}
		}
	}
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Any table comes back from its bytes.
func TestReadTable_roundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kinds := rapid.SliceOfN(rapid.SampledFrom([]string{"int", "text", "float", "bool", "time", "opaque"}), 0, 5).Draw(rt, "kinds")
		def := &schema.Table{Name: "t"}
		for _, k := range kinds {
			def.Columns = append(def.Columns, cols("c "+k)...)
		}
		s := &schema.Schema{Tables: []*schema.Table{def}}
		b := NewBuilder(s)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		nulls := rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(rt, "nulls")
		for range rapid.IntRange(0, 70).Draw(rt, "rows") {
			for i := range def.Columns {
				if c := &b.Tables[0].Columns[i]; r.Float64() < nulls {
					c.Null()
				} else {
					randomValue(c, r)
				}
			}
			b.Tables[0].EndRow()
		}
		snap, err := b.Finish(s, 0)
		if err != nil {
			rt.Fatal(err)
		}
		var file bytes.Buffer
		if err := writeTable(&file, snap.Tables[0]); err != nil {
			rt.Fatal(err)
		}
		table, err := readTable(file.Bytes(), def, snap.Tables[0].Rows, nil)
		if err != nil {
			rt.Fatal(err)
		}
		equalSnapshots(t, &Snapshot{ID: snap.ID, Schema: s, Tables: []*Table{table}}, snap)
	})
}

func randomValue(c *ColumnBuilder, r *rand.Rand) {
	switch c.Kind {
	case schema.Int, schema.Time:
		c.Int(int64(r.Uint64()))
	case schema.Float:
		c.Float(r.NormFloat64())
	case schema.Bool:
		c.Bool(r.IntN(2) == 0)
	case schema.Text:
		c.Text([]byte("naïve 🦊"[:r.IntN(3)]))
	}
}

// Bytes that are no file of ours are refused before the decoder sees them, and
// whatever the values of one that is, reading them is safe.
func FuzzReadTable(f *testing.F) {
	snap := sample(f)
	var (
		files [2][]byte
		metas [2]manifestTable
	)
	for i := range files {
		var file bytes.Buffer
		if err := writeTable(&file, snap.Tables[i]); err != nil {
			f.Fatal(err)
		}
		files[i] = file.Bytes()
		metas[i] = manifestTable{Bytes: int64(file.Len()), FrameSHA256: sha(frame(files[i])...)}
		f.Add(files[i], 0)
	}
	f.Add([]byte("\xff\xff\xff\xff\x00\x80"), 4000)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		if len(frame(data)) == 0 {
			t.Fatal("no frame")
		}
		for i, table := range snap.Tables[:2] {
			altered := bytes.Clone(files[i])
			if at >= 0 && at < len(altered) {
				copy(altered[at:], data)
			}
			if metas[i].verify(altered, StoreOptions{SkipChecksum: true}) != nil {
				continue
			}
			got, err := readTable(altered, table.Def, table.Rows, func(int) int { return 21 })
			if err != nil {
				continue
			}
			touch(&Snapshot{Tables: []*Table{{Def: got.Def, Rows: got.Rows, Columns: got.Columns}}})
			for l := range got.Parents {
				for _, p := range got.Parents[l] {
					if p < -1 || p >= 21 {
						t.Fatalf("parent %d passed", p)
					}
				}
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	good, err := newManifest(sample(f)).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"format":1,"tables":[{"name":"t","file":"../x","rows":-1,"links":[{"to":9}],"time":{"via":7}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := decodeManifest(text)
		if err == nil {
			if _, err := m.encode(); err != nil {
				t.Fatal(err)
			}
		}
		// A checksum keeps the fuzzer from what lies behind it.
		var open manifest
		if json.Unmarshal(text, &open) != nil {
			return
		}
		sc, err := open.schema()
		if err != nil {
			return
		}
		s := &Snapshot{Schema: sc}
		for _, def := range sc.Tables {
			if len(def.Columns) > 20 || len(sc.Tables) > 20 {
				return
			}
			table := &Table{Def: def, Columns: make([]Column, len(def.Columns))}
			for c := range def.Columns {
				table.Columns[c] = Column{Kind: def.Columns[c].Kind, Offsets: []int64{0}}
			}
			s.Tables = append(s.Tables, table)
		}
		if d, err := s.Derive(sc); err == nil {
			d.Stats()
		}
	})
}
