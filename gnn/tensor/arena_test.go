package tensor

import (
	"testing"
	"unsafe"
)

// holds is the number of elements that an arena holds.
func (a *arena[T]) holds() (n int) {
	for _, c := range append(a.chunks[:len(a.chunks):len(a.chunks)], a.large...) {
		n += len(c)
	}
	return n
}

// Slices of one step do not overlap, and the next equal step gets the same ones.
func TestArena(t *testing.T) {
	var a arena[int32]
	sizes := []int{1, 0, 700, 400, 5000, 3, 100_000, 20, 9_000_000, 9_000_000, 17}
	step := func(mark int32) (at []*int32) {
		a.reset(nil)
		var all [][]int32
		for i, n := range sizes {
			s := a.take(n)
			if len(s) != n || cap(s) != n {
				t.Fatalf("take %d: length %d, capacity %d, want %d", i, len(s), cap(s), n)
			}
			for j := range s {
				s[j] = mark + int32(i)
			}
			all = append(all, s)
			at = append(at, unsafe.SliceData(s))
		}
		for i, s := range all {
			for _, v := range s {
				if v != mark+int32(i) {
					t.Fatalf("take %d was overwritten by take %d", i, v-mark)
				}
			}
		}
		return at
	}
	first := step(100)
	for i, p := range step(200) {
		if p != first[i] {
			t.Errorf("take %d of the second step lies elsewhere", i)
		}
	}
	if got := testing.AllocsPerRun(5, func() {
		a.reset(nil)
		for _, n := range sizes {
			a.take(n)
		}
	}); got != 0 {
		t.Errorf("%g allocations in a step seen before", got)
	}
}

// An arena holds little more than its step takes, also when many steps of other sizes
// came before.
func TestArena_size(t *testing.T) {
	const mega = 1 << 20
	for _, grow := range []int{0, mega / 16} { // elements that a take grows by per step
		var a arena[float32]
		total := 0
		for s := range 20 {
			a.reset(nil)
			total = 0
			for range 6 {
				a.take(18*mega + s*grow) // large
				a.take(mega)             // half of what is large
				total += 19*mega + s*grow
			}
		}
		if got := a.holds(); got > total*5/4 {
			t.Errorf("growing by %d: the arena holds %d M elements for a step of %d M", grow, got/mega, total/mega)
		}
	}
	var a arena[float32]
	for range 100 {
		a.take(3 * mega / 2)
	}
	if got := a.holds(); got > 180*mega {
		t.Errorf("the arena holds %d M elements for a step of 150 M", got/mega)
	}
}

func TestArenaReset_fill(t *testing.T) {
	var a arena[int]
	for _, n := range []int{1000, 5000, 3} { // the last lies in the second chunk or a third
		for i := range a.take(n) {
			_ = i
		}
	}
	seven := 7
	a.reset(&seven)
	for _, n := range []int{1000, 5000, 3} {
		for i, v := range a.take(n) {
			if v != 7 {
				t.Fatalf("element %d of a take of %d holds %d, want 7", i, n, v)
			}
		}
	}
}
