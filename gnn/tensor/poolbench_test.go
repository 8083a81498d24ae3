package tensor

import (
	"fmt"
	"testing"
)

// BenchmarkPool is the cost of a loop of two blocks without work, on two threads: what
// an operator pays for running in parallel.
func BenchmarkPool(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("t%d", threads), func(b *testing.B) {
			p := NewPool(threads)
			b.ReportAllocs()
			for b.Loop() {
				p.run(2, work{n: 2, grain: 1, node: nil, onNode: func(*node, span) {}})
			}
		})
	}
}

// BenchmarkPoolWork is a loop of blocks of some microseconds each.
func BenchmarkPoolWork(b *testing.B) {
	x := make([]Real, 64<<10)
	for _, blocks := range []int{2, 8, 32} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%d/t%d", blocks, threads), func(b *testing.B) {
				p := NewPool(threads)
				for b.Loop() {
					p.run(blocks, work{n: blocks, grain: 1, node: nil, onNode: func(_ *node, s span) {
						v := x[s.block*2000:][:2000]
						for range 8 {
							for i := range v {
								v[i] += 1
							}
						}
					}})
				}
			})
		}
	}
}
