package kernel

import (
	"fmt"
	"testing"
)

// gathers is a random problem: ten edges per destination.
type gathers struct {
	cols, rows int
	x, dst     []Real
	ptr, src   []int32
}

// newGathers makes a table of that many bytes.
func newGathers(cols, bytes int) *gathers {
	g := &gathers{cols: cols, rows: 4000}
	table := bytes / 4 / cols
	g.x, g.dst = make([]Real, table*cols), make([]Real, g.rows*cols*3)
	fill(g.x, 1)
	d := draws(2)
	g.ptr = []int32{0}
	for i := range g.rows {
		for range 10 {
			g.src = append(g.src, int32(d.below(table)))
		}
		g.ptr = append(g.ptr, int32(10*(i+1)))
	}
	return g
}

// BenchmarkSegment compares the paths on gathered sums, in bytes of gathered rows.
func BenchmarkSegment(b *testing.B) {
	for _, mb := range []int{1, 16, 512} {
		for _, cols := range []int{32, 64, 128} {
			g := newGathers(cols, mb<<20)
			w := make([]Real, 3*len(g.src))
			fill(w, 3)
			for _, name := range Names() {
				p, _ := Get(name)
				if name == "naive" {
					continue
				}
				run := func(what string, work int, f func()) {
					b.Run(fmt.Sprintf("%s/%dMB/%d/%s", what, mb, cols, name), func(b *testing.B) {
						for b.Loop() {
							f()
						}
						b.ReportMetric(float64(work)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
					})
				}
				bytes := 4 * cols * len(g.src)
				run("sum", bytes, func() { p.SegmentSum(g.dst, g.x, cols, g.ptr, g.src, Store) })
				run("mix3", bytes, func() { p.SegmentMix(g.dst, g.x, cols, g.ptr, g.src, w, 3, Store) })
				run("gather", bytes/10*3, func() { p.GatherRows(g.dst, g.x, cols, g.src[:3*g.rows], Store) })
			}
		}
	}
}
