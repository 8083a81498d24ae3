package bench

import (
	"fmt"

	_ "github.com/rowlink/rowlink/gnn/conv/gorgonia" // the layers that are timed
)

// GorgoniaLayers lists the layers of [GorgoniaCase].
func GorgoniaLayers() []string { return []string{"sage", "rgcn"} }

// GorgoniaCase is [LayerCase] with the layer written as a gorgonia expression, on the
// same random graph and on all cores: the price of the bridge. Each step builds,
// differentiates and compiles its graph, as training does.
func GorgoniaCase(layer string, nodes, edges, channels int) (step func(), err error) {
	return gorgoniaCase(layer, nodes, edges, channels, 0)
}

func gorgoniaCase(layer string, nodes, edges, channels, threads int) (step func(), err error) {
	return LayerCase("gorgonia-"+layer, nodes, edges, channels, threads)
}

// gorgoniaCases time the bridge at the size of the other layers and on a small batch.
func gorgoniaCases() []Case {
	var cases []Case
	for _, layer := range GorgoniaLayers() {
		for _, size := range []struct {
			name         string
			nodes, edges int
		}{{"", nodes, edges}, {"/small", 500, 5000}} {
			what := fmt.Sprintf("forward and backward of %s as a gorgonia expression, %d nodes, %d edges, 128 channels", layer, size.nodes, size.edges)
			cases = append(cases, sized("layer/gorgonia-"+layer+size.name, what, Millis, func(threads int) (func() int64, error) {
				step, err := gorgoniaCase(layer, size.nodes, size.edges, channels, threads)
				return func() int64 { step(); return 1 }, err
			}))
		}
	}
	return cases
}
