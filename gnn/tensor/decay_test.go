package tensor

import (
	"math"
	"slices"
	"testing"
)

func near(t *testing.T, what string, got Real, want float64) {
	t.Helper()
	if math.Abs(float64(got)-want) > 2e-6*math.Max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestAgeTerms(t *testing.T) {
	micros := make([]int64, 3000)
	for i := range micros {
		micros[i] = int64(i-10) * 7_654_321_000 // from before the anchor to 70 years
	}
	scales := []float64{7.5, 30, 1920}
	for _, threads := range []int{1, 2, 4} {
		tape := NewTape(NewPool(threads))
		days := tape.Days(micros)
		got := tape.AgeTerms(days, scales).Val
		for i, v := range micros {
			d := math.Max(0, float64(v)/microsPerDay)
			near(t, "days", days[i], d)
			near(t, "log age", got.At(i, 0), math.Log1p(d)/4)
			for k, scale := range scales {
				near(t, "decay", got.At(i, 1+k), math.Exp2(-d/scale))
			}
		}
	}
}

func TestDecayWeights(t *testing.T) {
	s := NewStream(5)
	c := CSR{Ptr: []int32{0}}
	var days []Real
	for v := range 500 {
		for range s.IntN(4) * (v % 3) {
			days = append(days, Real(1000*s.Float64()))
		}
		c.Ptr = append(c.Ptr, int32(len(days)))
	}
	halfLives := []float64{10, 400}
	weights, sums := NewTape(NewPool(2)).DecayWeights(c, days, halfLives, 777)
	for v := range c.Rows() {
		age := days[c.Ptr[v]:c.Ptr[v+1]]
		youngest := Real(777)
		if len(age) > 0 {
			youngest = slices.Min(age)
		}
		near(t, "age of the youngest", sums.At(v, 2), float64(youngest))
		for k, halfLife := range halfLives {
			var total float64
			for _, d := range age {
				total += math.Exp2(-float64(d) / halfLife)
			}
			near(t, "sum", sums.At(v, k), total)
			for e, d := range age {
				near(t, "weight", weights.At(int(c.Ptr[v])+e, k), math.Exp2(-float64(d)/halfLife)/(total+1))
			}
		}
	}
}

func TestUnique(t *testing.T) {
	tape := NewTape(NewPool(2))
	distinct, at := tape.Unique([]int32{7, 2, -1, 2, 9, 7}, 10)
	if !slices.Equal(distinct, []int32{2, 7, 9}) || !slices.Equal(at, []int32{1, 0, -1, 0, 2, 1}) {
		t.Errorf("distinct %v at %v", distinct, at)
	}
	if got := tape.Compose([]int32{5, 6, 7}, []int32{2, -1, 0}); !slices.Equal(got, []int32{7, -1, 5}) {
		t.Errorf("composed %v", got)
	}
	if got := tape.Parents(CSR{Ptr: []int32{0, 1, 1, 2}, Src: []int32{4, 3}}); !slices.Equal(got, []int32{4, -1, 3}) {
		t.Errorf("parents %v", got)
	}
	x, y := tape.Const(MatOf(2, 1, 1, 2)), tape.Const(MatOf(2, 2, 3, 4, 5, 6))
	got := tape.GatherConcat(2, GatherTerm{X: x}, GatherTerm{X: y, Index: []int32{1, -1}})
	if !slices.Equal(got.Val.Data, []Real{1, 5, 6, 2, 0, 0}) {
		t.Errorf("side by side %v", got.Val.Data)
	}
}
