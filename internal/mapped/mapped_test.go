package mapped

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type notes struct {
	Rows int `json:"rows"`
}

// write stores three arrays, one of them empty, and returns the file's path.
func write(t testing.TB, key Key) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "arrays")
	w, err := Create(path, key)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	a, err := Add[int32](w, "a", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		a[i] = int32(i * i)
	}
	if _, err := Add[float64](w, "empty", 0); err != nil {
		t.Fatal(err)
	}
	b, err := Add[int64](w, "b", 20_000) // more than one alignment
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] = -int64(i)
	}
	w.Notes = notes{7}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile(t *testing.T) {
	key := Key{1, 2, 3}
	path := write(t, key)
	f, err := Open(path, key, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err := Get[int32](f, "a", 1000)
	if err != nil || a[999] != 999*999 {
		t.Error(err)
	}
	b, err := Get[int64](f, "b", -1)
	if err != nil || len(b) != 20_000 || b[19_999] != -19_999 {
		t.Error(err, len(b))
	}
	if e, err := Get[float64](f, "empty", 0); err != nil || len(e) != 0 {
		t.Error(e, err)
	}
	var n notes
	if err := f.Notes(&n); err != nil || n.Rows != 7 {
		t.Error(n, err)
	}
	for _, wrong := range []func() error{
		func() error { _, err := Get[int32](f, "c", -1); return err },
		func() error { _, err := Get[int64](f, "a", -1); return err },
		func() error { _, err := Get[int32](f, "a", 999); return err },
		func() error { return f.Notes(&struct{ Columns int }{}) },
	} {
		if wrong() == nil {
			t.Error("what the file does not hold was returned")
		}
	}
	var stale *StaleError
	if _, err := Open(path, Key{1, 2, 4}, OpenOptions{}); !errors.As(err, &stale) {
		t.Errorf("another key: %v, want a StaleError", err)
	}
	if _, err := Open(path+"x", key, OpenOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestOpen_altered alters every byte that means something, and cuts the file: Open must
// notice, and may do so without the sums of the arrays where they are not concerned.
func TestOpen_altered(t *testing.T) {
	key := Key{9}
	path := write(t, key)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open := func(data []byte, opt OpenOptions) error {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, key, opt)
		if err == nil {
			f.Close()
		}
		return err
	}
	dir := bytes.LastIndex(good, []byte(`{"notes"`))
	if dir < 0 {
		t.Fatal("no directory")
	}
	places := []int{sectionAlign, sectionAlign + 3999, 2*sectionAlign + 159_999}
	for i := range headSize {
		places = append(places, i)
	}
	for i := dir; i < len(good); i++ {
		places = append(places, i)
	}
	for _, at := range places {
		bad := slices.Clone(good)
		bad[at] ^= 4
		if open(bad, OpenOptions{}) == nil {
			t.Errorf("byte %d altered: no error", at)
		}
		if inside := at >= sectionAlign && at < dir; (open(bad, OpenOptions{SkipChecksum: true}) == nil) != inside {
			t.Errorf("byte %d altered, sums skipped: error is %v", at, !inside)
		}
	}
	for _, n := range []int{0, 1, headSize - 1, headSize, dir, len(good) - 1} {
		if err := open(good[:n], OpenOptions{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if err := open(append(slices.Clone(good), 0), OpenOptions{}); err == nil {
		t.Error("a byte too many: no error")
	}
}

func TestWriter_discard(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(filepath.Join(dir, "arrays"), Key{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Add[int64](w, "a", 10); err != nil {
		t.Fatal(err)
	}
	w.Discard()
	w.Discard()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}

func TestVector(t *testing.T) {
	dir := t.TempDir()
	space := NewSpace(dir)
	for _, s := range []*Space{nil, space} {
		for _, n := range []int{0, 1, smallBytes / 8, smallBytes/8 + 1, smallBytes} {
			v := Vector[int64]{Space: s}
			for i := range n {
				if i%3 == 0 {
					v.AppendAll([]int64{int64(i)})
				} else {
					v.Append(int64(i))
				}
			}
			if v.Len() != n {
				t.Errorf("%d of %d values", v.Len(), n)
			}
			got, err := v.Slice()
			if err != nil || len(got) != n {
				t.Fatal(len(got), n, err)
			}
			for i, x := range got {
				if x != int64(i) {
					t.Fatalf("value %d of %d is %d", i, n, x)
				}
			}
			if n > 0 {
				got[n-1] = 5 // may be altered in place
			}
			if v.Len() != 0 {
				t.Error("the vector is not empty")
			}
		}
	}
	big, err := Make[float32](space, smallBytes)
	if err != nil || len(big) != smallBytes || big[7] != 0 {
		t.Fatal(err)
	}
	big[smallBytes-1] = 1
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("files with names: %v", left)
	}
	if err := space.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Make[int64](NewSpace(filepath.Join(dir, "missing")), smallBytes); err == nil && canMap {
		t.Error("a folder that does not exist was used")
	}
	v := Vector[int64]{Space: NewSpace(filepath.Join(dir, "missing"))}
	for range smallBytes {
		v.Append(1)
	}
	if _, err := v.Slice(); err == nil && canMap {
		t.Error("values were written into a folder that does not exist")
	}
}

func FuzzOpen(f *testing.F) {
	key := Key{9}
	data, err := os.ReadFile(write(f, key))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:100])
	path := filepath.Join(f.TempDir(), "fuzzed")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path, key, OpenOptions{})
		if err != nil {
			return
		}
		defer file.Close()
		if v, err := Get[int64](file, "b", -1); err == nil {
			for i := range v {
				_ = v[i]
			}
		}
	})
}
