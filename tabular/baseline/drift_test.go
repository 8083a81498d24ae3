package baseline

import (
	"math"
	"testing"

	"github.com/rowlink/rowlink/ingest"
)

// TestDrift_byHand corrects by fifty rows with an error of 2, drawn to 0 by as many
// without, and by errors that grow with the prediction.
func TestDrift_byHand(t *testing.T) {
	same := &drift{halfLife: 1e12}
	queries, predicted, label := make([]Query, 50), make([]float64, 50), make([]float64, 50)
	for i := range queries {
		queries[i] = Query{Row: int32(i), Cut: 7, Anchor: 7}
		predicted[i], label[i] = float64(i%5), float64(i%5)+2
	}
	same.take(queries, predicted, label)
	ask := func(d *drift, cut int64, x float64) float64 {
		out := []float64{x}
		d.correct(ingest.TimeRule{}, []Query{{Cut: cut}}, out)
		return out[0]
	}
	if v := ask(same, 8, 3); math.Abs(v-4) > 1e-9 {
		t.Errorf("3 is put right to %g, want 4", v)
	}
	if v := ask(same, 7, 3); v != 3 {
		t.Errorf("rows of the same moment change 3 to %g", v)
	}
	for i := range label {
		label[i] = 3 * predicted[i] // error 2x: half of it is kept, about the mean 2
	}
	steep := &drift{halfLife: 1e12}
	steep.take(queries, predicted, label)
	if v := ask(steep, 8, 4); math.Abs(v-(4+2+2)) > 1e-9 {
		t.Errorf("4 is put right to %g, want 8", v)
	}
}

// TestDrift_forgets lets an early error fade: after one half-life it weighs half.
func TestDrift_forgets(t *testing.T) {
	d := &drift{halfLife: 1}
	d.take([]Query{{Anchor: 0}, {Anchor: dayMicros}}, []float64{1, 1}, []float64{5, 1})
	if s := d.states[1]; math.Abs(s.weight-1.5) > 1e-12 || math.Abs(s.e-2) > 1e-12 {
		t.Errorf("weight %g and error %g, want 1.5 and 2", s.weight, s.e)
	}
}
