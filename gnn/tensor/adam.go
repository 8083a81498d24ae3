package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

// AdamStep holds the numbers of one Adam step.
type AdamStep = kernel.AdamStep

// AdamUpdate moves p against the gradient g and updates the moments m and v, all of
// one length, on the kernel path in use. It is serial; cut long slices into blocks.
func AdamUpdate(p, g, m, v []Real, s AdamStep) { kernel.Adam(p, g, m, v, s) }

// SquareSum is the sum of the squares of x, on the kernel path in use.
func SquareSum(x []Real) float64 { return float64(kernel.Dot(x, x)) }

// ScaleBy multiplies x by r, on the kernel path in use.
func ScaleBy(x []Real, r Real) { kernel.Scale(x, r, x) }
