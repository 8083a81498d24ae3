//go:build !real64

package kernel

// Real is the element type of the engine: float32, or float64 under the build tag real64.
type Real = float32

// Epsilon is the distance from 1 to the next larger Real.
const Epsilon = 1.0 / (1 << 23)
