package tensor

import "github.com/rowlink/rowlink/gnn/tensor/internal/kernel"

// Real is the element type of the engine: float32, or float64 under the build tag
// real64, which exists so that gradients can be checked to many digits.
type Real = kernel.Real

// KernelName returns the name of the kernel path in use ("go" is portable Go).
// Paths differ in the last bits, so a model file should record it.
func KernelName() string { return kernel.Name() }

// KernelNames returns the names that [UseKernels] accepts.
func KernelNames() []string { return kernel.Names() }

// UseKernels switches to the kernel path of that name; call it before any work.
func UseKernels(name string) error { return kernel.Use(name) }
