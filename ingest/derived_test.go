package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rowlink/rowlink/schema"
)

// storeAll lets every derived array go to the file while the test runs.
func storeAll(t *testing.T) {
	before := derivedFrom
	derivedFrom = 1
	t.Cleanup(func() { derivedFrom = before })
}

// remapped is sample's schema with another zone, another validity and one link less.
func remapped() func(*schema.Schema) *schema.Schema {
	return func(s *schema.Schema) *schema.Schema {
		c := s.Clone()
		c.Tables[0].Time.Zone, c.Tables[0].Time.Until = "America/New_York", -1
		c.Tables[1].Links = c.Tables[1].Links[:1]
		c.Tables[1].Links = append(c.Tables[1].Links, schema.Link{Name: "again", Columns: []int{0}, To: 0, Ref: []int{0}})
		return c
	}
}

// What is stored beside a snapshot equals what is computed, for the schema of the
// snapshot and for another mapping; it is read the second time, and made again when it
// was damaged.
func TestDerive_stored(t *testing.T) {
	base := sample(t)
	dir := filepath.Join(t.TempDir(), "s")
	if err := base.Save(dir); err != nil {
		t.Fatal(err)
	}
	want := []*Snapshot{base, mustDerive(t, base, remapped()(base.Schema))}
	storeAll(t)
	path := filepath.Join(dir, derivedName)
	check := func(wantAnew bool) {
		t.Helper()
		before, _ := os.Stat(path)
		got, err := OpenSnapshot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		equalSnapshots(t, got, want[0])
		after, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if anew := before == nil || !os.SameFile(before, after); anew != wantAnew {
			t.Errorf("file written anew: %v, want %v", anew, wantAnew)
		}
		if mapped := len(got.held.closers); mapped != len(got.Tables)+1 {
			t.Errorf("%d files are held, want one more than the %d tables", mapped, len(got.Tables))
		}
	}
	check(true)
	check(false)
	data := read(t, path)
	write(t, path, data[:len(data)-1])
	check(true)
	bad := slices.Clone(data)
	bad[1<<16] ^= 1
	write(t, path, bad)
	check(true)

	got, err := OpenSnapshot(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		other, err := got.Derive(want[1].Schema)
		if err != nil {
			t.Fatal(err)
		}
		equalSnapshots(t, other, want[1])
		if other.Tables[1].NoTime != want[1].Tables[1].NoTime || !slices.Equal(other.Tables[1].Dangling, want[1].Tables[1].Dangling) {
			t.Errorf("counts %d and %v, want %d and %v", other.Tables[1].NoTime, other.Tables[1].Dangling, want[1].Tables[1].NoTime, want[1].Tables[1].Dangling)
		}
	}
	if err := got.Close(); err != nil {
		t.Fatal(err)
	}
	check(true) // the other mapping took the file
}

// A column without NULLs and zone is its table's times, not copied.
func TestDerive_sharesTimeColumn(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{{Name: "t", Key: []int{0}, Columns: cols("id int", "at time"), Time: &schema.RowTime{Column: 1, Via: -1, Until: -1}}}}
	snap := mustDerive(t, mustFinish(t, s, [][]any{{1, instant("2024-01-01 10:00")}, {2, instant("2024-01-02 10:00")}}), s)
	if &snap.Tables[0].Times[0] != &snap.Tables[0].Columns[1].Ints[0] {
		t.Error("the times lie in new memory")
	}
	again := mustDerive(t, snap, s.Clone())
	if &again.Tables[0].Times[0] != &snap.Tables[0].Times[0] {
		t.Error("the times of an equal mapping lie in new memory")
	}
}

// A snapshot collected in files equals one collected on the heap, whatever the order of
// the source.
func TestBuilder_spill(t *testing.T) {
	s := &schema.Schema{Tables: []*schema.Table{
		{Name: "p", Key: []int{0}, Columns: cols("id int", "t text")},
		{Name: "c", Key: []int{0}, Columns: cols("id int", "p int", "b bool", "f float", "t text", "at time", "x opaque"),
			Links: []schema.Link{{Columns: []int{1}, To: 0, Ref: []int{0}}}, Time: &schema.RowTime{Column: 5, Via: -1, Until: -1}},
	}}
	dir := t.TempDir()
	const rows = 300_000 // columns of several blocks
	build := func(spill, descending bool) *Snapshot {
		t.Helper()
		b := NewBuilder(s)
		if spill {
			b.Spill(dir)
		}
		for i := range 1000 {
			b.Tables[0].Columns[0].Int(int64(i))
			b.Tables[0].Columns[1].Text(fmt.Append(nil, i))
			b.Tables[0].EndRow()
		}
		for i := range rows {
			if descending {
				i = rows - 1 - i
			}
			c := b.Tables[1].Columns
			c[0].Int(int64(i))
			c[1].Int(int64(i * 7 % 1001))
			c[2].Bool(i%3 == 0)
			if i%5 == 0 {
				c[3].Null()
				c[4].Null()
				c[5].Null()
			} else {
				c[3].Float(float64(i % 10))
				c[4].Text(fmt.Append(nil, "text of ", i))
				c[5].Int(int64(i))
			}
			b.Tables[1].EndRow()
		}
		snap, err := b.Finish(s, 1)
		if err != nil {
			t.Fatal(err)
		}
		return mustDerive(t, snap, s)
	}
	want := build(false, false)
	for _, descending := range []bool{false, true} {
		got := build(true, descending)
		if got.ID != want.ID {
			t.Errorf("ID %s, want %s", got.ID, want.ID)
		}
		equalSnapshots(t, got, want)
		saved := filepath.Join(t.TempDir(), "s")
		if err := got.Save(saved); err != nil {
			t.Fatal(err)
		}
		if err := got.Close(); err != nil {
			t.Fatal(err)
		}
		back, err := OpenSnapshot(saved)
		if err != nil {
			t.Fatal(err)
		}
		equalSnapshots(t, back, want)
		back.Close()
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
