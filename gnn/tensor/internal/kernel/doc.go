// Package kernel owns the inner loops of the engine: matrix products, gathered
// sums and the Adam step, each serial and each with several implementations
// (paths) that compute the same thing. Callers cut the work into blocks.
//
// The paths, best first: avx512 and avx2 (assembly that package gen writes; amd64,
// single precision, without -tags noasm), go (portable), naive (the meaning, for
// tests). A path in assembly is plain Go with parts replaced, so a kernel without
// assembly needs no entry. To add one: describe it in gen and register its file
// there, run go generate, declare the function in Go with its meaning as a loop,
// write func xAVX2(p *Path) that sets the path's fields, name it in asm_amd64.go,
// and add a check to selfChecks.
//
// What is known of the avx512 path (2026-11-25): it was written on a CPU without
// AVX-512. Its matrix product was run only by package emulate, which gives the bits
// of the hardware for the avx2 path, against the plain twin and with every access to
// memory checked; it has not yet run on a CPU that has AVX-512, and its speed is not
// known. Where it is chosen at start, it has first agreed with plain Go there.
package kernel
