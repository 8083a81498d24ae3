package gorgonia

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// The hook must give what gonum gives, also where it hands on: scaled products, sums,
// gaps between rows, two transposed matrices, the other precision.
func TestEngine_agreesWithGonum(t *testing.T) {
	e := &engine{}
	e.pool.Store(tensor.NewPool(2))
	sizes := [][3]int{{1, 1, 1}, {1, 7, 3}, {7, 1, 3}, {5, 4, 1}, {33, 17, 2049}, {300, 5, 40}}
	for _, s := range sizes {
		for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans} {
			for _, tB := range []blas.Transpose{blas.NoTrans, blas.Trans} {
				for _, gap := range []int{0, 2} {
					for _, scales := range [][2]float64{{1, 0}, {1, 1}, {0.5, 0}, {2, -1}} {
						t.Run(fmt.Sprint(s, tA == blas.Trans, tB == blas.Trans, gap, scales), func(t *testing.T) {
							agree(t, s, tA, tB, gap, float32(scales[0]), float32(scales[1]), e.Sgemm, gonum.Implementation{}.Sgemm, 1e-4)
							agree(t, s, tA, tB, gap, scales[0], scales[1], e.Dgemm, gonum.Implementation{}.Dgemm, 1e-11)
						})
					}
				}
			}
		}
	}
}

type product[T float32 | float64] func(tA, tB blas.Transpose, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int)

func agree[T float32 | float64](t *testing.T, s [3]int, tA, tB blas.Transpose, gap int, alpha, beta T, got, want product[T], tol float64) {
	t.Helper()
	m, n, k := s[0], s[1], s[2]
	stride := func(rows, cols int, tr blas.Transpose) int {
		if tr == blas.Trans {
			return rows + gap
		}
		return cols + gap
	}
	fill := func(key uint64, rows, cols int) []T {
		x := make([]T, (rows+gap)*(cols+gap))
		for i := range x {
			x[i] = T(tensor.Normal(key, uint64(i)))
		}
		return x
	}
	a, b, c, d := fill(1, m, k), fill(2, k, n), fill(3, m, n), fill(3, m, n)
	got(tA, tB, m, n, k, alpha, a, stride(m, k, tA), b, stride(k, n, tB), beta, c, n+gap)
	want(tA, tB, m, n, k, alpha, a, stride(m, k, tA), b, stride(k, n, tB), beta, d, n+gap)
	for i := range d {
		if !(math.Abs(float64(c[i]-d[i])) <= tol*math.Sqrt(float64(k))) {
			t.Fatalf("element %d is %v, gonum has %v", i, c[i], d[i])
		}
	}
}

// Products of the engine's element type are not gonum's: the kernels' bits differ from
// gonum's on some shape, and are those of the tape.
func TestEngine_runsKernels(t *testing.T) {
	e := &engine{}
	pool := tensor.NewPool(2)
	e.pool.Store(pool)
	x, w := tensor.NewMat(50, 300), tensor.NewMat(300, 20)
	for i := range x.Data {
		x.Data[i] = tensor.Real(tensor.Normal(1, uint64(i)))
	}
	for i := range w.Data {
		w.Data[i] = tensor.Real(tensor.Normal(2, uint64(i)))
	}
	tape := tensor.NewTape(pool)
	want := tape.MatMul(tape.Const(x), tape.Const(w)).Val
	got := tensor.NewMat(50, 20)
	if !gemm(e, blas.NoTrans, blas.NoTrans, 50, 20, 300, 1, x.Data, 300, w.Data, 20, 0, got.Data, 20) {
		t.Fatal("a plain product is handed on")
	}
	for i, v := range want.Data {
		if got.Data[i] != v {
			t.Fatalf("element %d is %v, on the tape %v", i, got.Data[i], v)
		}
	}
}
