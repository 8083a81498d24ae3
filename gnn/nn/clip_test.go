package nn

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/tensor"
)

func TestClipGradNorm_allocatesNothing(t *testing.T) {
	s := NewSet(1)
	pool := tensor.NewPool(1)
	a := s.New("a", 300, 70, Ones)
	ClipGradNorm(s, pool, 1)
	b := s.New("b", 3, 5, Ones) // a set that grew is clipped whole
	for i := range a.Grad.Data {
		a.Grad.Data[i] = 0.5
	}
	for i := range b.Grad.Data {
		b.Grad.Data[i] = -2
	}
	want := math.Sqrt(0.25*300*70 + 4*15)
	if got := ClipGradNorm(s, pool, 1); math.Abs(got-want) > 1e-4*want {
		t.Fatalf("norm %v, want %v", got, want)
	}
	if got := ClipGradNorm(s, pool, 1); math.Abs(got-1) > 1e-4 {
		t.Fatalf("norm after clipping %v, want 1", got)
	}
	if n := testing.AllocsPerRun(5, func() { ClipGradNorm(s, pool, 0.5) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
