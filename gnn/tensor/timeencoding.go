package tensor

import (
	"fmt"
	"math"
)

// TimeEncoding encodes spans of time in days, as one row each of an even number of
// channels: sines of the span times f, then cosines, for channels/2 frequencies f
// spaced evenly in their logarithm from 1 down to 1/10000. It is a constant.
func (t *Tape) TimeEncoding(days []float64, channels int) *Var {
	if channels < 2 || channels%2 != 0 {
		panic(fmt.Sprintf("tensor: time encoding of %d channels, want an even number", channels))
	}
	n := t.scratch()
	n.a = t.raw(len(days), channels)
	n.sums = t.sums.take(channels/2 + len(days))
	half := channels / 2
	for i := range half {
		n.sums[i] = math.Pow(1e-4, float64(i)/float64(max(half-1, 1)))
	}
	copy(n.sums[half:], days)
	t.run(len(days), rowGrain(channels), n, timeEncodingBlock)
	return t.Const(n.a)
}

func timeEncodingBlock(n *node, s span) {
	half := n.a.Cols / 2
	for i := s.lo; i < s.hi; i++ {
		row := n.a.Row(i)
		for j, f := range n.sums[:half] {
			sin, cos := math.Sincos(f * n.sums[half+i])
			row[j], row[half+j] = Real(sin), Real(cos)
		}
	}
}
