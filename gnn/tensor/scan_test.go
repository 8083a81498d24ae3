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
		{"decayed means", func(n int) ([]Mat, opFunc) {
			ptr, gap := entities(7, n), positive(8, n)
			idx, age := indices(9, n+3, n, -1), positive(10, n+3)
			in := []Mat{random(1, n, 3), MatOf(1, 2, 0.3, 1.5), MatOf(1, 2, 0.4, 1.1), random(2, 1, 3)}
			return in, func(t *Tape, in []*Var) *Var {
				states := t.DecayScan(withOnes(t, in[0]), ptr, gap, in[1])
				return t.ConcatCols(t.DecayMean(states, idx, age, in[1], in[2], in[3], true), t.DecayMean(states, idx, age, in[1], in[2], in[3], false))
			}
		}},
	}
}

// withOnes adds a column that counts.
func withOnes(t *Tape, x *Var) *Var {
	ones := t.Alloc(x.Rows(), 1)
	for i := range ones.Data {
		ones.Data[i] = 1
	}
	return t.ConcatCols(x, t.Const(ones))
}

// The means equal the definition, summed over the rows of the entity.
func TestDecayMean_isTheDefinition(t *testing.T) {
	const rows, cols = 60, 3
	x, ptr, gap := random(1, rows, cols), entities(2, rows), positive(3, rows)
	idx, age := indices(4, 40, rows, -1), positive(5, 40)
	rate, w, m0 := []Real{0.2, 2}, []Real{0.5, 3}, []Real{0.1, -1, 2}
	tape := NewTape(NewPool(1))
	states := tape.DecayScan(withOnes(tape, tape.Const(x)), ptr, gap, tape.Const(MatOf(1, 2, rate...)))
	got := tape.DecayMean(states, idx, age, tape.Const(MatOf(1, 2, rate...)), tape.Const(MatOf(1, 2, w...)), tape.Const(MatOf(1, cols, m0...)), true)
	for i, at := range idx {
		for k, r := range rate {
			var sum [cols]float64
			count, since := 0.0, float64(age[i])
			for j := int(at); j >= 0; j-- {
				e := math.Exp(-float64(r) * since)
				count += e
				for c, v := range x.Row(j) {
					sum[c] += e * float64(v)
				}
				if first(ptr, j) {
					break
				}
				since += float64(gap[j])
			}
			row := got.Val.Row(i)[k*(cols+1):][:cols+1]
			for c := range sum {
				want := (sum[c] + float64(w[k])*float64(m0[c])) / (count + float64(w[k]))
				if !(math.Abs(float64(row[c])-want) <= tolerance(2e-5, 1e-12)) {
					t.Fatalf("mean %d of rate %d at %d is %v, want %v", c, k, i, row[c], want)
				}
			}
			if want := math.Log(count + 0.05); !(math.Abs(float64(row[cols])-want) <= tolerance(2e-5, 1e-12)) {
				t.Fatalf("log count of rate %d at %d is %v, want %v", k, i, row[cols], want)
			}
		}
	}
}

// first says whether row j is the first of its entity.
func first(ptr []int32, j int) bool {
	for _, p := range ptr {
		if int(p) == j {
			return true
		}
	}
	return false
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
