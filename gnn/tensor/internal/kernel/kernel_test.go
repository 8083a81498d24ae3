package kernel

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

const guard = 7 // cells before and after each argument that no kernel may touch

// guarded is a slice with sentinels around it.
type guarded struct {
	all  []Real
	data []Real
}

func newGuarded(n int, seed uint64) guarded {
	g := guarded{all: make([]Real, n+2*guard)}
	for i := range g.all {
		g.all[i] = 12345
	}
	g.data = g.all[guard : guard+n : guard+n]
	fill(g.data, seed)
	return g
}

func (g guarded) check(t *testing.T, what string) {
	t.Helper()
	for i := range guard {
		if g.all[i] != 12345 || g.all[len(g.all)-1-i] != 12345 {
			t.Fatalf("%s: wrote outside its slice", what)
		}
	}
}

func fill(x []Real, seed uint64) {
	s := seed*0x9e3779b97f4a7c15 + 1
	for i := range x {
		s ^= s << 13
		s ^= s >> 7
		s ^= s << 17
		x[i] = Real(int64(s>>40)-1<<23) / (1 << 23)
	}
}

func near(t *testing.T, what string, got, want []Real, terms int) {
	t.Helper()
	tol := 8 * Epsilon * math.Max(float64(terms), 4)
	for i := range want {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= tol) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

type gemmCase struct {
	kind          byte // 'N': NN, 'B': NT, 'A': TN
	m, n, k       int
	padA, padB, p int // extra cells at each row's end
	add           bool
}

func (c gemmCase) pick(p *Path) Gemm {
	switch c.kind {
	case 'N':
		return p.NN
	case 'B':
		return p.NT
	}
	return p.TN
}

func (c gemmCase) run(t *testing.T, p *Path) {
	t.Helper()
	ra, ca, rb, cb := c.m, c.k, c.k, c.n
	if c.kind == 'A' {
		ra, ca = c.k, c.m
	}
	if c.kind == 'B' {
		rb, cb = c.n, c.k
	}
	lda, ldb, ldc := ca+c.padA, cb+c.padB, c.n+c.p
	a, b := newGuarded(ra*lda, 1), newGuarded(rb*ldb, 2)
	got, want := newGuarded(c.m*ldc, 3), newGuarded(c.m*ldc, 3)
	a0, b0 := append([]Real(nil), a.all...), append([]Real(nil), b.all...)
	c.pick(p)(c.m, c.n, c.k, a.data, lda, b.data, ldb, got.data, ldc, c.add)
	c.pick(&naive)(c.m, c.n, c.k, a.data, lda, b.data, ldb, want.data, ldc, c.add)
	what := fmt.Sprintf("%s %+v", p.Name, c)
	near(t, what, got.data, want.data, c.k)
	got.check(t, what)
	near(t, what+": A changed", a.all, a0, 0)
	near(t, what+": B changed", b.all, b0, 0)
}

func eachPath(t *testing.T, f func(t *testing.T, p *Path)) {
	for _, name := range Names() {
		p, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { f(t, p) })
	}
}

func TestGemm_agreesWithNaive(t *testing.T) {
	sizes := []int{0, 1, 2, 3, 5, 8, 17, 33}
	eachPath(t, func(t *testing.T, p *Path) {
		for _, kind := range []byte("NBA") {
			for _, m := range sizes {
				for _, n := range sizes {
					for _, k := range append(sizes, 255, 257, 530) {
						gemmCase{kind, m, n, k, m % 2, n % 3, k % 2, (m+n+k)%2 == 0}.run(t, p)
					}
				}
			}
		}
	})
}

func FuzzGemm(f *testing.F) {
	f.Add(byte('N'), uint8(3), uint8(2), uint16(8), uint8(0), true)
	f.Add(byte('B'), uint8(64), uint8(65), uint16(300), uint8(5), false)
	f.Add(byte('A'), uint8(1), uint8(1), uint16(0), uint8(1), false)
	f.Fuzz(func(t *testing.T, kind byte, m, n uint8, k uint16, pad uint8, add bool) {
		for _, name := range Names() {
			p, _ := Get(name)
			gemmCase{"NBA"[kind%3], int(m), int(n), int(k % 600), int(pad % 4), int(pad / 4 % 4), int(pad / 16), add}.run(t, p)
		}
	})
}

// A block of rows or columns must give the bits of the whole product.
func TestGemm_blocksGiveEqualBits(t *testing.T) {
	const m, n, k = 37, 29, 300
	eachPath(t, func(t *testing.T, p *Path) {
		for _, kind := range []byte("NBA") {
			mul := gemmCase{kind: kind}.pick(p)
			lda, ldb, ai, bj := k, n, k, 1
			if kind == 'A' {
				lda, ai = m, 1
			}
			if kind == 'B' {
				ldb, bj = k, k
			}
			a, b := make([]Real, m*k), make([]Real, k*n)
			fill(a, 1)
			fill(b, 2)
			whole, parts := make([]Real, m*n), make([]Real, m*n)
			mul(m, n, k, a, lda, b, ldb, whole, n, false)
			for i := 0; i < m; i += 10 {
				for j := 0; j < n; j += 7 {
					mul(min(10, m-i), min(7, n-j), k, a[i*ai:], lda, b[j*bj:], ldb, parts[i*n+j:], n, false)
				}
			}
			for i := range whole {
				if whole[i] != parts[i] {
					t.Fatalf("%c: element %d is %v in a block, %v in the whole", kind, i, parts[i], whole[i])
				}
			}
		}
	})
}

func TestVectors_agreeWithNaive(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		for _, n := range []int{0, 1, 3, 4, 7, 16, 33, 128} {
			x, y := newGuarded(n, 1), newGuarded(n, 2)
			pair := func(what string, f func(p *Path, dst []Real)) {
				got, want := newGuarded(n, 3), newGuarded(n, 3)
				f(p, got.data)
				f(&naive, want.data)
				near(t, what, got.data, want.data, 8)
				got.check(t, what)
			}
			pair("add", func(p *Path, dst []Real) { p.Add(dst, x.data) })
			pair("axpy", func(p *Path, dst []Real) { p.Axpy(dst, 0.3, x.data) })
			near(t, "dot", []Real{p.Dot(x.data, y.data)}, []Real{naive.Dot(x.data, y.data)}, n)
			testGather(t, p, n, pair)
			testAdam(t, p, n)
		}
	})
}

func testGather(t *testing.T, p *Path, n int, pair func(string, func(*Path, []Real))) {
	const table = 6
	stride := n + 2
	x := newGuarded(table*stride, 4)
	for _, rows := range [][]int32{nil, {5}, {0, 0, 3}, {1, 2, 3, 4}, {5, 4, 0, 0, 1, 2, 2, 3, 5}} {
		w := newGuarded(3*len(rows), 5)
		pair("gathersum", func(p *Path, dst []Real) { p.GatherSum(dst, x.data, stride, rows) })
		pair("gatheraxpy", func(p *Path, dst []Real) { p.GatherAxpy(dst, x.data, stride, rows, w.data, 3) })
	}
}

func testAdam(t *testing.T, p *Path, n int) {
	s := AdamStep{Beta1: 0.9, Beta2: 0.99, Rate: 0.1, Root: 3, Eps: 1e-3, Shrink: 0.99, L2: 0.1}
	run := func(p *Path) [3]guarded {
		w, g, m, v := newGuarded(n, 1), newGuarded(n, 2), newGuarded(n, 3), newGuarded(n, 4)
		for i, x := range v.data {
			v.data[i] = x * x
		}
		p.Adam(w.data, g.data, m.data, v.data, s)
		return [3]guarded{w, m, v}
	}
	got, want := run(p), run(&naive)
	for i := range got {
		near(t, "adam", got[i].data, want[i].data, 8)
		got[i].check(t, "adam")
	}
}

func TestUse_unknownPath(t *testing.T) {
	before := Name()
	if err := Use("fpga"); err == nil || Name() != before {
		t.Fatalf("Use(fpga) = %v, path %s", err, Name())
	}
}

func TestUse_pathOfAnotherMachine(t *testing.T) {
	for _, name := range []string{"avx512", "avx2"} {
		if slices.Contains(Names(), name) {
			continue
		}
		before := Name()
		err := Use(name)
		if err == nil || Name() != before || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "have ") {
			t.Errorf("Use(%s) = %v, path %s; want an error that says why", name, err, Name())
		}
	}
}
