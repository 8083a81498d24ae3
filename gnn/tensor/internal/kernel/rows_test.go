package kernel

import (
	"fmt"
	"testing"
)

// reference states the meaning of the kernels over rows as the shortest loops.
var reference = Rows{
	SegmentSum: func(dst, x []Real, cols int, ptr, src []int32, mode Mode) {
		cells(cols, ptr, func(i, j int, lo, hi int32) {
			var s Real
			for e := lo; e < hi; e++ {
				s += x[int(src[e])*cols+j]
			}
			if mode&MeanOf != 0 && hi-lo > 1 {
				s /= Real(hi - lo)
			}
			put(dst, i*cols+j, s, mode)
		})
	},
	SegmentMix: func(dst, x []Real, cols int, ptr, src []int32, w []Real, heads int, mode Mode) {
		cells(cols, ptr, func(i, j int, lo, hi int32) {
			for h := range heads {
				var s Real
				for e := lo; e < hi; e++ {
					s += w[int(e)*heads+h] * x[int(src[e])*cols+j]
				}
				put(dst, (i*heads+h)*cols+j, s, mode)
			}
		})
	},
	SegmentUnmix: func(dst, g []Real, cols int, ptr, to, edge []int32, w []Real, heads int, mode Mode) {
		cells(cols, ptr, func(i, j int, lo, hi int32) {
			var s Real
			for p := lo; p < hi; p++ {
				for h := range heads {
					s += w[int(edge[p])*heads+h] * g[(int(to[p])*heads+h)*cols+j]
				}
			}
			put(dst, i*cols+j, s, mode)
		})
	},
	SegmentMax: func(dst []Real, arg []int32, x []Real, cols int, ptr, src []int32, mode Mode) {
		cells(cols, ptr, func(i, j int, lo, hi int32) {
			var best Real
			for e := lo; e < hi; e++ {
				v := x[int(src[e])*cols+j]
				if e == lo || (mode&Least == 0 && v > best) || (mode&Least != 0 && v < best) {
					best, arg[i*cols+j] = v, e
				}
			}
			dst[i*cols+j] = best
		})
	},
	SegmentMaxBack: func(dst, g []Real, arg []int32, cols int, ptr, to, edge []int32, mode Mode) {
		cells(cols, ptr, func(i, j int, lo, hi int32) {
			var s Real
			for p := lo; p < hi; p++ {
				if at := int(to[p])*cols + j; arg[at] == edge[p] {
					s += g[at]
				}
			}
			put(dst, i*cols+j, s, mode)
		})
	},
	GatherRows: func(dst, x []Real, cols int, idx []int32, mode Mode) {
		for i, r := range idx {
			for j := range cols {
				var v Real
				if r >= 0 {
					v = x[int(r)*cols+j]
				}
				put(dst, i*cols+j, v, mode)
			}
		}
	},
	SumTerms: func(dst []Real, cols, lo int, terms []Term) {
		for i := 0; cols > 0 && i < len(dst)/cols; i++ {
			for j := range cols {
				dst[i*cols+j] = 0
				for _, t := range terms {
					t.each(lo+i, cols, make([]Real, cols), func(factor Real, row []Real) {
						dst[i*cols+j] += factor * row[j]
					})
				}
			}
		}
	},
}

func cells(cols int, ptr []int32, body func(i, j int, lo, hi int32)) {
	for i := range len(ptr) - 1 {
		for j := range cols {
			body(i, j, ptr[i], ptr[i+1])
		}
	}
}

func put(dst []Real, at int, v Real, mode Mode) {
	if mode&AddTo != 0 {
		v += dst[at]
	}
	dst[at] = v
}

// draws is a small generator of integers.
type draws uint64

func (d *draws) below(n int) int {
	*d = *d*6364136223846793005 + 1442695040888963407
	return int(uint64(*d)>>33) % n
}

// rowWidths are the numbers of columns that the kernels are tested with.
var rowWidths = []int{0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 200, 256, 300, 1000}

// rowCase is one random problem over rows.
type rowCase struct {
	cols, rows, sources, heads int
	first                      int // segments before the block that is computed
	mode                       Mode
	ptr, src, edge, to, idx    []int32
	inverse                    []int32
}

func newRowCase(d *draws, cols int, mode Mode) *rowCase {
	c := &rowCase{cols: cols, rows: 1 + d.below(6), sources: 1 + d.below(9), heads: 1 + d.below(9), first: d.below(3), mode: mode}
	c.ptr = []int32{0}
	for range c.first + c.rows {
		for range d.below(2) * d.below(8) {
			c.src = append(c.src, int32(d.below(c.sources)))
		}
		c.ptr = append(c.ptr, int32(len(c.src)))
	}
	c.inverse = []int32{0}
	for s := range c.sources {
		for i := range c.first + c.rows {
			for e := c.ptr[i]; e < c.ptr[i+1]; e++ {
				if int(c.src[e]) == s {
					c.edge, c.to = append(c.edge, e), append(c.to, int32(i))
				}
			}
		}
		c.inverse = append(c.inverse, int32(len(c.edge)))
	}
	for range c.rows {
		c.idx = append(c.idx, int32(d.below(c.sources+1)-1))
	}
	return c
}

// compare runs f with the kernels under test and with the reference on equal
// destinations.
func (c *rowCase) compare(t *testing.T, p *Path, what string, size int, f func(k *Rows, dst []Real)) {
	t.Helper()
	got, want := newGuarded(size, 3), newGuarded(size, 3)
	f(&p.Rows, got.data)
	f(&reference, want.data)
	what = fmt.Sprintf("%s: %s of %d columns, mode %d, %d heads", p.Name, what, c.cols, c.mode, c.heads)
	near(t, what, got.data, want.data, 40)
	got.check(t, what)
}

func TestRows_agreeWithTheirMeaning(t *testing.T) {
	eachPath(t, func(t *testing.T, p *Path) {
		d := draws(1)
		for _, cols := range rowWidths {
			for _, mode := range []Mode{Store, AddTo, MeanOf, Least, Store, AddTo} {
				newRowCase(&d, cols, mode).check(t, p)
			}
		}
	})
}

func (c *rowCase) check(t *testing.T, p *Path) {
	cols, all := c.cols, c.first+c.rows
	ptr := c.ptr[c.first:]
	x := newGuarded(c.sources*cols, 4)
	w := newGuarded(len(c.src)*c.heads, 5)
	g := newGuarded(all*c.heads*cols, 6)
	factors := newGuarded(c.sources*c.heads, 9)
	if c.mode&Least == 0 {
		c.compare(t, p, "segment sum", c.rows*cols, func(k *Rows, dst []Real) {
			k.SegmentSum(dst, x.data, cols, ptr, c.src, c.mode)
		})
		c.compare(t, p, "gather", c.rows*cols, func(k *Rows, dst []Real) {
			k.GatherRows(dst, x.data, cols, c.idx, c.mode)
		})
		c.compare(t, p, "segment mix", c.rows*c.heads*cols, func(k *Rows, dst []Real) {
			k.SegmentMix(dst, x.data, cols, ptr, c.src, w.data, c.heads, c.mode)
		})
		c.compare(t, p, "segment unmix", c.sources*cols, func(k *Rows, dst []Real) {
			k.SegmentUnmix(dst, g.data, cols, c.inverse, c.to, c.edge, w.data, c.heads, c.mode)
		})
		c.compare(t, p, "terms", c.rows*cols, func(k *Rows, dst []Real) {
			named := make([]int32, all)
			copy(named[c.first:], c.idx)
			terms := []Term{TermOf(x.data, named), TermOf(g.data, nil), TermOf(x.data, named),
				ProductTermOf(factors.data, c.heads, g.data, named), ProductTermOf(g.data, 1, x.data, nil)}
			if WholeHalves(cols) {
				half, brain := make([]uint16, c.sources*cols), make([]uint16, c.sources*cols)
				plainToHalf(half, floats(x.data))
				ToBrain(brain, floats(x.data))
				terms = append(terms, HalfTermOf(half, false, named), HalfTermOf(brain, true, named))
			}
			k.SumTerms(dst, cols, c.first, terms)
		})
	}
	c.checkMax(t, p)
}

func (c *rowCase) checkMax(t *testing.T, p *Path) {
	cols := c.cols
	all := (c.first + c.rows) * cols
	x, g := newGuarded(c.sources*cols, 7), newGuarded(all, 8)
	for i, v := range x.data { // equal values: the first edge counts
		x.data[i] = Real(int(4*v)) / 4
	}
	got, want := make([]int32, all+1), make([]int32, all+1)
	got[all], want[all] = 77, 77 // guard
	c.compare(t, p, "segment max", all, func(k *Rows, dst []Real) {
		arg := want
		if k != &reference {
			arg = got
		}
		k.SegmentMax(dst, arg[:all], x.data, cols, c.ptr, c.src, c.mode)
	})
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: segment max of %d columns: cell %d took edge %d, want %d", p.Name, cols, i, got[i], want[i])
		}
	}
	c.compare(t, p, "segment max, way back", c.sources*cols, func(k *Rows, dst []Real) {
		k.SegmentMaxBack(dst, g.data, want[:all], cols, c.inverse, c.to, c.edge, c.mode&AddTo)
	})
}

// Arguments in assembly's structs must stay on the stack.
func TestRows_allocateNothing(t *testing.T) {
	x, y, idx := make([]Real, 640), make([]Real, 640), []int32{3, 1, 2}
	eachPath(t, func(t *testing.T, p *Path) {
		n := testing.AllocsPerRun(5, func() {
			p.Dot(x, y)
			p.Add(x, y)
			p.GatherSum(x[:64], y, 64, idx)
			p.SegmentSum(x[:64], y, 64, idx[:1], idx, Store)
			p.GatherRows(x[:192], y, 64, idx, AddTo)
			p.Exp(x, y)
			p.ColumnSums(x[:64], y, nil)
			p.Dropout(x, y, Dropout{Limit: 5, Scale: 1}, Store)
			p.Scan(Scan{Cols: 64, Rows: 3, Dst: x, X: y, A: y, DstStep: 64, XStep: 64, AStep: 1})
		})
		if n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

func floats(x []Real) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = float32(v)
	}
	return out
}
