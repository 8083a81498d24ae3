package bench

import (
	"fmt"
	"testing"
)

// The sizes of the peers' layers.py: 20,000 nodes, 200,000 edges, 128 channels.
func BenchmarkLayer(b *testing.B) {
	for _, name := range LayerNames() {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", name, threads), func(b *testing.B) {
				step, err := LayerCase(name, 20_000, 200_000, 128, threads)
				if err != nil {
					b.Fatal(err)
				}
				step()
				step() // now all memory is there
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
			})
		}
	}
}

func TestLayerCase_noAllocationInSteadyState(t *testing.T) {
	for _, name := range append(LayerNames(), "gat") {
		step, err := LayerCase(name, 1000, 9000, 32, 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			step()
		}
		if n := testing.AllocsPerRun(5, step); n != 0 {
			t.Errorf("%s: %v allocations per step", name, n)
		}
	}
}

func TestLayerCase_unknown(t *testing.T) {
	if _, err := LayerCase("scan", 10, 10, 8, 1); err == nil {
		t.Error("a layer without a case is accepted")
	}
}

func ExampleLayerCase() {
	step, err := LayerCase("rgcn", 100, 400, 16, 1)
	if err != nil {
		panic(err)
	}
	step()
	fmt.Println("one forward and backward pass")
	// Output: one forward and backward pass
}
