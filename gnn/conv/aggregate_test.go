package conv

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// A small case by hand: messages 2, 10 days old, and 4, 20 days old. At a half-life of
// 10 days they weigh 1/2 and 1/4, at one of 5 days 1/4 and 1/16.
func TestDecay_byHand(t *testing.T) {
	agg, err := (&Config{Aggregate: "decay", HalfLives: []float64{10, 5}}).aggregator()
	if err != nil {
		t.Fatal(err)
	}
	tape := tensor.NewTape(tensor.NewPool(1))
	e := &Edge{CSR: tensor.CSR{Ptr: []int32{0, 2, 2}, Src: []int32{1, 0}}, Age: []tensor.Real{10, 20}}
	got := agg.Reduce(tape, *e, tape.Const(tensor.MatOf(2, 1, 4, 2)))
	want := tensor.NewMat(2, 5)
	for i, v := range []float64{
		(0.5*2 + 0.25*4) / 1.75, (0.25*2 + 0.0625*4) / 1.3125, math.Log(0.8), math.Log(0.3625), math.Log1p(10) / 4,
		0, 0, math.Log(0.05), math.Log(0.05), math.Log1p(10_000) / 4,
	} {
		want.Data[i] = tensor.Real(v)
	}
	wantNear(t, "decay", got.Val, want)
}
