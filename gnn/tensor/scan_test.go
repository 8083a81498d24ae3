package tensor

import (
	"math"
	"testing"
)

// entities cuts rows into entities, the third of which has half of them.
func entities(seed uint64, rows int) []int32 {
	s, ptr := NewStream(seed), []int32{0, 0}
	for at := 0; at < rows; {
		size := 1 + s.IntN(4)
		if len(ptr) == 4 {
			size = rows / 2
		}
		at = min(at+size, rows)
		ptr = append(ptr, int32(at))
	}
	return ptr
}

func scanCases() []opCase {
	return []opCase{
		{"decay scan", func(n int) ([]Mat, opFunc) {
			ptr, gap := entities(1, n), positive(2, n)
			return []Mat{random(1, n, 3), MatOf(1, 2, 0.3, 1.5)}, func(t *Tape, in []*Var) *Var {
				return t.Add(t.DecayScan(in[0], ptr, gap, in[1]), t.DecayScan(in[0], ptr, gap, in[1]))
			}
		}},
		{"decay scan with readings", func(n int) ([]Mat, opFunc) {
			ptr, gap := entities(3, n), positive(4, n)
			idx, age := indices(5, n, n, -1), positive(6, n)
			return []Mat{random(1, n, 3), MatOf(1, 2, 0.3, 1.5)}, func(t *Tape, in []*Var) *Var {
				return t.DecayRead(t.DecayScan(in[0], ptr, gap, in[1]), idx, age, in[1])
			}
		}},
	}
}

// plainScan is the recurrence in double precision, row by row.
func plainScan(x Mat, ptr []int32, gap, rate []Real) [][]float64 {
	out := make([][]float64, x.Rows)
	for s := range len(ptr) - 1 {
		state := make([]float64, len(rate)*x.Cols)
		for i := int(ptr[s]); i < int(ptr[s+1]); i++ {
			for k, r := range rate {
				a := math.Exp(-float64(r) * float64(gap[i]))
				for j, v := range x.Row(i) {
					state[k*x.Cols+j] = a*state[k*x.Cols+j] + float64(v)
				}
			}
			out[i] = append([]float64(nil), state...)
		}
	}
	return out
}

func TestDecayScan_chunksGiveTheRecurrence(t *testing.T) {
	defer func(c int) { scanChunk = c }(scanChunk)
	const rows, cols = 700, 5
	x, ptr, gap := random(1, rows, cols), entities(2, rows), positive(3, rows)
	gap[400] = 1e6 // nothing of the past is left
	rate := []Real{0.01, 0.4, 3}
	want := plainScan(x, ptr, gap, rate)
	for _, scanChunk = range []int{1, 2, 7, 64, 1000} {
		tape := NewTape(NewPool(2))
		got := tape.DecayScan(tape.Const(x), ptr, gap, tape.Const(MatOf(1, 3, rate...)))
		for i, row := range want {
			for j, w := range row {
				if g := float64(got.Val.At(i, j)); !(math.Abs(g-w) <= tolerance(2e-4, 1e-11)*math.Max(1, math.Abs(w))) {
					t.Fatalf("chunks of %d: state %d, %d is %v, want %v", scanChunk, i, j, g, w)
				}
			}
		}
	}
}

// Chunks of two rows run the carrying in both directions.
func TestDecayScan_gradientOverChunks(t *testing.T) {
	if !wide {
		t.Skip("finite differences need double precision")
	}
	defer func(c int) { scanChunk = c }(scanChunk)
	scanChunk = 2
	for _, c := range scanCases() {
		checkGradient(t, newTrial(c, 14, 2), 1e-5, 1e-7)
	}
}
