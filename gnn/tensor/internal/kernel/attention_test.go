package kernel

import (
	"fmt"
	"testing"
)

// Every path must agree with the naive attention kernels and keep to its slices, for
// heads of any width and destinations of any number of edges.
func TestAttention_agreesWithNaive(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		for _, heads := range []int{1, 2, 4} {
			for _, width := range []int{1, 3, 8, 16, 24, 32, 37, 64, 80} {
				for _, ptr := range [][]int32{{0}, {0, 0}, {0, 1}, {2, 2, 7, 8, 8, 30}, {0, 16, 17}} {
					testAttention(t, p, heads, width, ptr)
				}
			}
		}
	})
}

func testAttention(t *testing.T, p *Path, heads, width int, ptr []int32) {
	t.Helper()
	const table = 7
	cols, rows := heads*width, len(ptr)-1
	src := make([]int32, ptr[rows])
	for e := range src {
		src[e] = int32(e * 5 % table)
	}
	a := Heads{Heads: heads, Width: width, Ptr: ptr, Src: src, XStep: cols + 3, QStep: cols + 1, RowStep: cols + 2}
	x, q, att, w := newGuarded(table*a.XStep-3, 1), newGuarded(rows*a.QStep, 2), newGuarded(cols, 3), newGuarded(len(src)*heads, 4)
	a.X, a.Q, a.Att = x.data, q.data, att.data
	scores := func(what string, f func(Attention, Heads)) {
		got, want := newGuarded(len(src)*heads, 5), newGuarded(len(src)*heads, 5)
		b := a
		b.W = got.data
		f(p.Attention, b)
		b.W = want.data
		f(naive.Attention, b)
		what = fmt.Sprintf("%s: %s with %d heads of %d, edges %v", p.Name, what, heads, width, ptr)
		near(t, what, got.data, want.data, width)
		got.check(t, what)
	}
	sums := func(what string, f func(Attention, Heads)) {
		got, want := newGuarded(rows*a.RowStep+cols, 6), newGuarded(rows*a.RowStep+cols, 6)
		b := a
		b.W = w.data
		split := rows * a.RowStep
		b.Row, b.AttSum = got.data[:split:split], got.data[split:]
		f(p.Attention, b)
		b.Row, b.AttSum = want.data[:split:split], want.data[split:]
		f(naive.Attention, b)
		what = fmt.Sprintf("%s: %s with %d heads of %d, edges %v", p.Name, what, heads, width, ptr)
		near(t, what, got.data, want.data, len(src))
		got.check(t, what)
	}
	scores("head dots", func(k Attention, a Heads) { k.HeadDots(a) })
	scores("leaky dots", func(k Attention, a Heads) { k.LeakyDots(a) })
	sums("gather heads", func(k Attention, a Heads) { k.GatherHeads(a) })
	sums("leaky slopes", func(k Attention, a Heads) { k.LeakySlopes(a) })
}
