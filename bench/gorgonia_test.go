package bench

import (
	"fmt"
	"testing"
)

// The bridge beside the layer of the tape, on a large graph and on a small batch.
func BenchmarkGorgonia(b *testing.B) {
	for _, size := range [][2]int{{20_000, 200_000}, {500, 5000}} {
		for _, layer := range GorgoniaLayers() {
			for _, name := range []string{layer, "gorgonia-" + layer} {
				b.Run(fmt.Sprintf("%s/nodes=%d", name, size[0]), func(b *testing.B) {
					step, err := LayerCase(name, size[0], size[1], 128, 0)
					if err != nil {
						b.Fatal(err)
					}
					step()
					step()
					b.ReportAllocs()
					for b.Loop() {
						step()
					}
				})
			}
		}
	}
}

func TestGorgoniaCase_unknown(t *testing.T) {
	if _, err := GorgoniaCase("hgt", 10, 10, 8); err == nil {
		t.Error("a layer that is not written as an expression is accepted")
	}
}

func ExampleGorgoniaCase() {
	step, err := GorgoniaCase("sage", 100, 400, 16)
	if err != nil {
		panic(err)
	}
	step()
	fmt.Println("one forward and backward pass")
	// Output: one forward and backward pass
}
