package gorgonia_test

import (
	"testing"

	"github.com/rowlink/rowlink/internal/convtest"
)

// The layers of this package, and one that is written outside of it, keep the contract
// of all layers.
func TestEveryLayer(t *testing.T) {
	layers := []string{"gorgonia-sage", "gorgonia-rgcn", "gated"}
	if testing.Short() {
		layers = layers[2:]
	}
	for _, layer := range layers {
		t.Run(layer, func(t *testing.T) { convtest.Run(t, layer) })
	}
}
