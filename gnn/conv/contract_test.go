package conv_test

import (
	"math"
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/internal/convtest"
)

func TestEveryLayer(t *testing.T) {
	for _, layer := range conv.Names() {
		t.Run(layer, func(t *testing.T) { convtest.Run(t, layer) })
	}
}

func TestNew_errors(t *testing.T) {
	for _, tc := range []struct {
		layer, aggregate string
		halfLives        []float64
		want             string
	}{
		{"sgae", "mean", nil, "sage"},
		{"sage", "men", nil, "decay"},
		{"sage", "decay", nil, "at least one"},
		{"sage", "decay", []float64{2, 0}, "more than 0"},
		{"sage", "decay", []float64{math.NaN()}, "more than 0"},
	} {
		cfg := convtest.Config(tc.aggregate)
		cfg.HalfLives = tc.halfLives
		if _, err := conv.New(tc.layer, cfg, nn.NewSet(1)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s with %s %v: error %v, want one with %q", tc.layer, tc.aggregate, tc.halfLives, err, tc.want)
		}
	}
}
