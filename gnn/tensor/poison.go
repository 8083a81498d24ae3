//go:build !invariants

package tensor

// poisoned says that freed matrices are overwritten with NaN, which makes a use
// after Reset, or an operator that leaves a cell unwritten, show.
const poisoned = false
