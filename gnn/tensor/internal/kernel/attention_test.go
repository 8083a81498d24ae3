package kernel

import (
	"fmt"
	"testing"
)

// Every path must agree with the naive attention kernels and keep to its slices, for
// heads of any width.
func TestAttention_agreesWithNaive(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		for _, heads := range []int{1, 2, 4} {
			for _, width := range []int{1, 3, 8, 16, 24, 32, 40, 64} {
				for _, edges := range []int{0, 1, 2, 5, 8, 13} {
					testAttention(t, p, heads, width, edges)
				}
			}
		}
	})
}

func testAttention(t *testing.T, p *Path, heads, width, edges int) {
	t.Helper()
	const table = 7
	cols := heads * width
	stride := cols + 3
	rows := make([]int32, edges)
	for e := range rows {
		rows[e] = int32(e * 5 % table)
	}
	x, q, att, w := newGuarded(table*stride-3, 1), newGuarded(cols, 2), newGuarded(cols, 3), newGuarded(edges*heads, 4)
	compare := func(what string, n, terms int, f func(a Attention, dst []Real)) {
		got, want := newGuarded(n, 5), newGuarded(n, 5)
		f(p.Attention, got.data)
		f(naive.Attention, want.data)
		what = fmt.Sprintf("%s: %s with %d heads of %d over %d edges", p.Name, what, heads, width, edges)
		near(t, what, got.data, want.data, terms)
		got.check(t, what)
	}
	compare("head dots", edges*heads, width, func(a Attention, dst []Real) { a.HeadDots(dst, q.data, x.data, stride, rows, heads) })
	compare("gather heads", cols, edges, func(a Attention, dst []Real) { a.GatherHeads(dst, x.data, stride, rows, w.data, heads) })
	compare("leaky dots", edges*heads, width, func(a Attention, dst []Real) {
		a.LeakyDots(dst, q.data, att.data, x.data, stride, rows, heads)
	})
	compare("leaky slopes", cols, edges, func(a Attention, dst []Real) {
		a.LeakySlopes(dst, nil, w.data, q.data, x.data, stride, rows, heads)
	})
	compare("leaky slopes of both", 2*cols, edges, func(a Attention, dst []Real) {
		a.LeakySlopes(dst[:cols:cols], dst[cols:], w.data, q.data, x.data, stride, rows, heads)
	})
}
