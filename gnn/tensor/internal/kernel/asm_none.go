//go:build !amd64 || noasm || real64

package kernel

var assembly []*Path

const elsewhere = "machine code exists for amd64 in single precision without -tags noasm"

// absent says why a path that exists elsewhere is not in this build.
var absent = map[string]string{"avx512": elsewhere, "avx2": elsewhere}
