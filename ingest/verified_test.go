package ingest

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rowlink/rowlink/schema"
)

// A large file is read for its checksum once; when it was touched since, it is read again,
// also where its time of change was set back.
func TestVerified(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("files are only told apart on Linux")
	}
	s := &schema.Schema{Tables: []*schema.Table{{Name: "t", Columns: cols("v int")}}}
	b := NewBuilder(s)
	for i := range int64(verifiedFrom / 4) {
		b.Tables[0].Columns[0].Int(i)
		b.Tables[0].EndRow()
	}
	snap, err := b.Finish(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "s")
	if err := snap.Save(dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, fileName(0))
	open := func() error {
		s, err := OpenSnapshot(dir)
		if err == nil {
			err = s.Close()
		}
		return err
	}
	sum := func() string {
		text, err := os.ReadFile(filepath.Join(dir, manifestName))
		if err != nil {
			t.Fatal(err)
		}
		m, err := decodeManifest(text)
		if err != nil {
			t.Fatal(err)
		}
		return m.Tables[0].SHA256
	}()
	if !openVerified(dir).holds(fileName(0), sum) {
		t.Error("a file that was just written is not known")
	}
	if openVerified(dir).holds(fileName(0), sum[1:]+"0") {
		t.Error("known under another checksum")
	}
	for _, text := range []string{"", "{", "null", "[]"} { // whatever stands there, the file is read
		if err := os.WriteFile(filepath.Join(dir, verifiedName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if openVerified(dir).holds(fileName(0), sum) {
			t.Errorf("known from %q", text)
		}
		if err := open(); err != nil {
			t.Fatal(err)
		}
		if !openVerified(dir).holds(fileName(0), sum) {
			t.Errorf("not known after opening with %q", text)
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond) // a tick of the file system's clock
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{1}, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := open(); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("an altered file: error %v, want one about its checksum", err)
		}
	}
}

// The tally agrees with a map, also where hashes collide.
func TestTally(t *testing.T) {
	count, want := newTally(), map[uint64]int{}
	x := uint64(1)
	for i := range 300_000 {
		x = mix(x)
		code := x % uint64(1+i)
		count.add(code, int32(code%1000), nil)
		want[code]++
	}
	if count.different() != len(want) {
		t.Fatalf("%d entries, want %d", count.different(), len(want))
	}
	for e, code := range count.codes {
		if count.counts[e] != want[code] {
			t.Errorf("code %d counted %d times, want %d", code, count.counts[e], want[code])
		}
	}
	hashed := newTally()
	for row := range int32(20) { // one hash, two values
		hashed.add(7, row, func(o int32) bool { return o%2 == row%2 })
	}
	if hashed.different() != 2 || hashed.counts[0] != 10 {
		t.Errorf("%d entries, the first %d times; want 2, 10", hashed.different(), hashed.counts[0])
	}
}
