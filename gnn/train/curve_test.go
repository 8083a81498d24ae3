package train_test

import (
	"math"
	"testing"

	_ "github.com/rowlink/rowlink/gnn/conv/gorgonia"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/internal/shop"
)

// Layers written as gorgonia expressions are trained by the same loop: equal start
// values and batches, so the losses of the built-in layer but for rounding, which the
// steps of Adam amplify.
func TestFit_gorgonia(t *testing.T) {
	d := data(shop.Churn)
	curve := func(layer string) []train.Epoch {
		o := small()
		o.Epochs, o.Model.Layer, o.Model.Aggregate = 3, layer, "mean"
		return fit(t, d, o).Epochs
	}
	want := curve("sage")
	if want[2].Loss > want[0].Loss-0.01 {
		t.Fatalf("losses %v and %v: too little is learned to compare", want[0].Loss, want[2].Loss)
	}
	for _, layer := range []string{"gorgonia-sage", "gorgonia-rgcn"} {
		for i, e := range curve(layer) {
			if !(math.Abs(e.Loss-want[i].Loss) <= 1e-4*want[i].Loss) {
				t.Errorf("epoch %d of %s has the loss %v, of sage %v", i+1, layer, e.Loss, want[i].Loss)
			}
		}
	}
}
