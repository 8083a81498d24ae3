package gorgonia_test

import (
	"strings"
	"testing"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/internal/convtest"
)

func TestEveryLayer(t *testing.T) {
	n := 0
	for _, layer := range conv.Names() {
		if strings.HasPrefix(layer, "gorgonia-") {
			n++
			t.Run(layer, func(t *testing.T) { convtest.Run(t, layer) })
		}
	}
	if n == 0 {
		t.Error("no layer of this package is registered")
	}
}
