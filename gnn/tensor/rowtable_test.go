package tensor

import (
	"math"
	"testing"
)

func TestLookup_formats(t *testing.T) {
	const rows, n = 100, 700
	errors := map[Format]float64{Float32: 0x1p-24, Float16: 0x1p-11, BFloat16: 0x1p-8}
	for _, cols := range []int{1, 7, 16, 32, 100, 128} {
		m, idx := random(1, rows, cols), indices(2, n, rows, -1)
		for f, bound := range errors {
			table := NewRowTable(f, rows, cols)
			table.SetRows(0, m.slice(0, 60))
			table.SetRows(60, m.slice(60, rows))
			if size := map[bool]int{true: 4, false: 2}[f == Float32]; table.Bytes() != size*rows*cols {
				t.Errorf("%s: %d bytes", f, table.Bytes())
			}
			want := Mat{}
			for _, threads := range []int{1, 2, 8} {
				got := NewTape(NewPool(threads)).Lookup(table, idx)
				if got.Needs() {
					t.Fatal("a lookup asks for a gradient")
				}
				if threads == 1 {
					want = got.Val.Clone()
				}
				wantBits(t, f.String(), got.Val, want)
			}
			for i, from := range idx {
				for j := range cols {
					var exact float64
					if from >= 0 {
						exact = float64(m.At(int(from), j))
					}
					if got := float64(want.At(i, j)); math.Abs(got-exact) > bound*math.Abs(exact) {
						t.Fatalf("%s of %d columns: row %d is %v, want %v", f, cols, i, got, exact)
					}
				}
			}
		}
	}
}

func TestParseFormat(t *testing.T) {
	for f := range formatNames {
		if got, err := ParseFormat(Format(f).String()); err != nil || got != Format(f) {
			t.Errorf("%s: %v, %v", Format(f), got, err)
		}
	}
	if _, err := ParseFormat("fp8"); err == nil || err.Error() != `unknown number format "fp8" (have bfloat16, float16, float32)` {
		t.Errorf("error %v", err)
	}
}

func TestLookup_noAllocation(t *testing.T) {
	if racing || wide {
		t.Skip("double precision goes through a copy")
	}
	table, idx := NewRowTable(Float16, 50, 32), indices(2, 900, 50, -1)
	tape := NewTape(NewPool(2))
	step := func() {
		tape.Reset()
		tape.Lookup(table, idx)
	}
	step()
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("%v allocations per lookup", n)
	}
}
