// Package gorgonia owns the bridge to layers that are written as expression graphs of
// the gorgonia library. An [Expression] writes, for one block, the nodes of the results
// from the nodes of the inputs; [Register] makes it a layer beside the built-in ones:
// it gets its name in --layer, the contract test and the leak test, and is trained by
// the same loop. Gradients are derived symbolically by gorgonia, not by the tape, which
// makes such a layer a second opinion on a built-in one: "gorgonia-sage" and
// "gorgonia-rgcn" are that for the tests.
//
// A graph is built and compiled anew for each block, because its shapes are those of the
// block; that costs some ten microseconds per node of the graph. Every operator
// allocates its result. So a layer of this package is several times slower than the
// same layer on the tape, and it is meant for trying out, not for production.
//
// Matrix products run on the engine's kernels, through gorgonia's BLAS hook.
package gorgonia
