package tensor

import "testing"

func TestArena_settlesNearWhatAStepTakes(t *testing.T) {
	var a arena[int32]
	step := func() {
		for i := range 200 {
			s := a.take(500 + i)
			if len(s) != 500+i || cap(s) != len(s) {
				t.Fatalf("took %d elements with room for %d", len(s), cap(s))
			}
			for j := range s {
				s[j] = int32(i)
			}
			if i > 0 && a.used > 1 && len(a.chunks) == 1 && a.chunks[0][0] != 0 {
				t.Fatal("two slices overlap")
			}
		}
		a.reset(nil)
	}
	step()
	const taken = 200*500 + 199*200/2
	if len(a.chunks) != 1 || a.size < taken || a.size > taken*5/4 {
		t.Fatalf("%d chunks of %d elements for a step of %d", len(a.chunks), a.size, taken)
	}
	if n := testing.AllocsPerRun(5, step); n != 0 {
		t.Fatalf("%v allocations per step", n)
	}
	one := int32(1)
	a.take(3)
	a.reset(&one)
	if s := a.take(4); s[2] != 1 || s[3] == 1 {
		t.Fatalf("after a reset to 1: %v", s)
	}
}
