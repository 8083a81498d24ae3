package bench

import (
	"context"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/bench/relf1"
)

// Cases lists all loads in the order in which they run.
func Cases() []Case {
	return slices.Concat(kernelCases(), layerCasesOf(), gorgoniaCases(), samplerCases(), []Case{epochCase()}, scoringCases(), scanScoringCases(), wholeCases(), gbdtCases())
}

// layerCasesOf are the layers of the peers' layers.py.
func layerCasesOf() []Case {
	var cases []Case
	for _, name := range LayerNames() {
		cases = append(cases, sized("layer/"+name, "forward and backward, 20,000 nodes, 200,000 edges, 128 channels", Millis, func(threads int) (func() int64, error) {
			step, err := LayerCase(name, nodes, edges, channels, threads)
			return func() int64 { step(); return 1 }, err
		}))
	}
	return cases
}

func samplerCases() []Case {
	var cases []Case
	for _, l := range []struct{ name, what string }{
		{"f1", "edges drawn per second, rel-f1, 128 then 64 neighbours, batches of 512"},
		{"synth", "edges drawn per second, 1 M entities with 20 M facts, 128 neighbours, batches of 512"},
		{"synth+parents", "the same, and the facts read their entity"},
	} {
		c := sized("sampler/"+l.name, l.what, Edges, func(threads int) (func() int64, error) { return SamplerCase(l.name, threads) })
		c.Long = l.name != "f1" // builds its graph first: ten seconds and 1 GB
		cases = append(cases, c)
	}
	return cases
}

// needsData says whether the case reads rel-f1.
func (c Case) needsData() bool {
	return strings.Contains(c.Name, "driver-position") || strings.Contains(c.Name, "f1")
}

func relf1Folder() (string, error) { return relf1.Folder() }

// sized makes a case of a pass that is prepared for a number of threads and says how
// much work it did.
func sized(name, what string, unit Unit, prepare func(threads int) (func() int64, error)) Case {
	return Case{Name: name, What: what, Unit: unit, prepare: func(_ context.Context, e Env) (Pass, error) {
		pass, err := prepare(e.Threads)
		if err != nil {
			return nil, err
		}
		return func() (float64, error) { return float64(pass()), nil }, nil
	}}
}
