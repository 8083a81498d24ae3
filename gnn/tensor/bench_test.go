package tensor

import (
	"fmt"
	"testing"
)

// benchThreads runs f on tapes of 1 and 2 threads and reports gigaflops or, with a
// negative work, gigabytes per second.
func benchThreads(b *testing.B, work float64, unit string, f func(t *Tape)) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("t%d", threads), func(b *testing.B) {
			t := NewTape(NewPool(threads))
			f(t)
			for b.Loop() {
				t.Reset()
				f(t)
			}
			b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
		})
	}
}

// The shape of a row encoder's step: 20,000 rows, 128 channels.
func BenchmarkLinear20000x128x128(b *testing.B) {
	const n, d = 20000, 128
	x, w, dw := random(1, n, d), random(2, d, d), NewMat(d, d)
	b.Run("forward", func(b *testing.B) {
		benchThreads(b, 2*n*d*d, "GFLOP/s", func(t *Tape) { t.MatMul(t.Const(x), t.Const(w)) })
	})
	dx, ones := NewMat(n, d), random(3, n, d)
	b.Run("training", func(b *testing.B) {
		benchThreads(b, 6*n*d*d, "GFLOP/s", func(t *Tape) {
			y := t.MatMul(t.Leaf(x, dx), t.Leaf(w, dw))
			t.Backward(t.SumAll(t.Mul(y, t.Const(ones))))
		})
	})
}

// The two shapes that the project's goals name, in the three forms of a linear step.
func BenchmarkProduct(b *testing.B) {
	for _, s := range [][3]int{{20000, 128, 128}, {2000, 512, 128}} {
		m, k, n := s[0], s[1], s[2]
		x, w, wt, y, dw := random(1, m, k), random(2, k, n), random(3, n, k), random(4, m, n), NewMat(k, n)
		for _, c := range []struct {
			form    Form
			c, a, b Mat
		}{{NN, y, x, w}, {NT, y, x, wt}, {TN, dw, x, y}} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", c.form, m, k, n), func(b *testing.B) {
				benchThreads(b, 2*float64(m*k*n), "GFLOP/s", func(t *Tape) { t.Product(c.form, c.c, c.a, c.b) })
			})
		}
	}
}

func BenchmarkGatherMean(b *testing.B) {
	const dst, src, deg, d = 10000, 20000, 10, 128
	s := NewStream(1)
	csr := CSR{Ptr: make([]int32, dst+1), Src: make([]int32, dst*deg)}
	for i := range csr.Src {
		csr.Src[i] = int32(s.IntN(src))
	}
	for i := range csr.Ptr {
		csr.Ptr[i] = int32(i * deg)
	}
	x, dx, up := random(1, src, d), NewMat(src, d), random(2, dst, d)
	b.Run("forward", func(b *testing.B) {
		benchThreads(b, 4*dst*deg*d, "GB/s", func(t *Tape) { t.GatherReduce(t.Const(x), csr, Mean) })
	})
	b.Run("training", func(b *testing.B) {
		benchThreads(b, 8*dst*deg*d, "GB/s", func(t *Tape) {
			y := t.GatherReduce(t.Leaf(x, dx), csr, Mean)
			t.Backward(t.SumAll(t.Mul(y, t.Const(up))))
		})
	})
}

func BenchmarkLayerNorm(b *testing.B) {
	const n, d = 20000, 128
	x, dx, up := random(1, n, d), NewMat(n, d), random(2, n, d)
	g, dg := random(3, 1, d), NewMat(1, d)
	b.Run("forward", func(b *testing.B) {
		benchThreads(b, 8*n*d, "GB/s", func(t *Tape) { t.LayerNorm(t.Const(x), t.Const(g), nil, 1e-5) })
	})
	b.Run("training", func(b *testing.B) {
		benchThreads(b, 16*n*d, "GB/s", func(t *Tape) {
			y := t.LayerNorm(t.Leaf(x, dx), t.Leaf(g, dg), nil, 1e-5)
			t.Backward(t.SumAll(t.Mul(y, t.Const(up))))
		})
	})
}
