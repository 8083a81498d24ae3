// Package kernel owns the inner loops of the engine: matrix products, gathered
// sums and the Adam step, each serial and each with several implementations
// (paths) that compute the same thing. Callers cut the work into blocks.
package kernel
