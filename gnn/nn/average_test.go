package nn_test

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/gnn/nn"
)

// The mean follows the values, quickly at first, stands in their place while it is used,
// and leaves what is not trained alone.
func TestAverage(t *testing.T) {
	s := nn.NewSet(1)
	w := s.New("w", 1, 1, nn.Ones)
	buffer := s.Buffer("b", 1, 1, nn.Ones)
	a := nn.NewAverage(s, 0.5)
	want := 1.0
	for step := range 40 {
		w.Value.Data[0], buffer.Value.Data[0] = 2, 2
		a.Step(step)
		keep := min(0.5, float64(step+1)/float64(step+9))
		want = keep*want + (1-keep)*2
		back := a.Use()
		if d := math.Abs(float64(w.Value.Data[0]) - want); d > 1e-6 {
			t.Fatalf("step %d: the mean is %v, want %v", step, w.Value.Data[0], want)
		}
		if buffer.Value.Data[0] != 2 {
			t.Fatal("the buffer was changed")
		}
		back()
		if w.Value.Data[0] != 2 {
			t.Fatal("the values were not put back")
		}
	}
	if state := a.State(); len(state) != 1 || state[0].Name != "mean.w" {
		t.Errorf("state %+v", state)
	}
	none := nn.NewAverage(s, 0)
	w.Value.Data[0] = 5
	none.Step(7)
	defer none.Use()()
	if w.Value.Data[0] != 5 {
		t.Error("a share of nothing is not the values themselves")
	}
}
