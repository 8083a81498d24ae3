package gorgonia

import (
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
	G "gorgonia.org/gorgonia"

	"github.com/rowlink/rowlink/gnn/tensor"
)

// engine is the BLAS that gorgonia calls: products of matrices of the engine's element
// type run on the engine's kernels, all else on gonum's. Several goroutines may call it.
type engine struct {
	gonum.Implementation
	pool  atomic.Pointer[tensor.Pool] // of the layer that ran last; bits do not depend on it
	tapes sync.Pool                   // memory for partial sums
}

var (
	products engine
	install  = sync.OnceFunc(func() { G.Use(&products) })
)

// Sgemm is c = alpha a b + beta c in single precision.
func (e *engine) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if !gemm(e, tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) {
		e.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
	}
}

// Dgemm is Sgemm in double precision.
func (e *engine) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	if !gemm(e, tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) {
		e.Implementation.Dgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
	}
}

// gemm runs a product on the kernels, and says whether they have it: the other element
// type, scaled products, two transposed matrices and matrices with gaps between rows
// are gonum's.
func gemm[T float32 | float64](e *engine, tA, tB blas.Transpose, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) bool {
	pool := e.pool.Load()
	transA, transB := tA != blas.NoTrans, tB != blas.NoTrans
	if pool == nil || alpha != 1 || beta != 0 || transA && transB {
		return false
	}
	form := tensor.NN
	if transA {
		form = tensor.TN
	} else if transB {
		form = tensor.NT
	}
	x, okA := dense(a, m, k, lda, transA)
	y, okB := dense(b, k, n, ldb, transB)
	z, okC := dense(c, m, n, ldc, false)
	if !okA || !okB || !okC {
		return false
	}
	t, _ := e.tapes.Get().(*tensor.Tape)
	if t == nil || t.Pool() != pool {
		t = tensor.NewTape(pool)
	}
	t.Product(form, z, x, y)
	t.Reset()
	e.tapes.Put(t)
	return true
}

// dense is the matrix of rows x cols, or of cols x rows where it is transposed, if its
// elements are the engine's and its rows follow each other.
func dense[T float32 | float64](s []T, rows, cols, stride int, transposed bool) (tensor.Mat, bool) {
	if transposed {
		rows, cols = cols, rows
	}
	data, ok := any(s).([]tensor.Real)
	if !ok || rows > 1 && stride != cols || len(data) < rows*cols {
		return tensor.Mat{}, false
	}
	return tensor.MatOf(rows, cols, data[:rows*cols]...), true
}
