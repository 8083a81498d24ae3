package tensor

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/tensor/internal/kernel"
)

// DecayMean reads decayed means out of states of [Tape.DecayScan] whose last column in
// each head counts rows (its input is 1 for every row). Head k of row i of the result is
//
//	M = (e S + w[k] m0) / (e N + w[k]),   e = exp(-rate[k] age[i])
//
// with S and N the sums and the count of row idx[i] of the states, and both 0 for index
// -1. states is rows x heads*(d+1), rate and w are 1 x heads, w above 0, m0 is 1 x d, age
// is not negative; the result is len(idx) x heads*d. With counts every head has one more
// column: log(e N + 0.05).
//
// Backward, with g the gradient of M and c that of the log, den = e N + w, zS = g / den,
// zN = -<g, M> / den + c / (e N + 0.05):
//
//	dS += e zS, dN += e zN, dm0 += w zS, dw += <m0 - M, zS>, drate += -age (<zS, e S> + zN e N)
func (t *Tape) DecayMean(states *Var, idx []int32, age []Real, rate, w, m0 *Var, counts bool) *Var {
	heads, d := rate.Cols(), m0.Cols()
	if len(age) != len(idx) || states.Cols() != heads*(d+1) || w.Cols() != heads {
		panic(fmt.Sprintf("tensor: decayed means of %d rows with %d ages from states of %s, want %d columns for %d rates, and %d weights",
			len(idx), len(age), states.Val.shape(), heads*(d+1), heads, w.Cols()))
	}
	width := d
	if counts {
		width++
	}
	n := t.node(t.raw(len(idx), heads*width), decayMeanBack, states, rate, w, m0)
	n.idx, n.w, n.n1 = idx, age, width
	n.aux = t.raw(len(idx), heads)
	t.run(len(idx), rowGrain(heads), n, scanFactorsBlock)
	t.run(len(idx), rowGrain(states.Cols()), n, decayMeanBlock)
	return n.out
}

// countFloor is added to a decayed count before its logarithm is taken.
const countFloor = 0.05

// state is the sums and the count of head k for row i, nil and 0 where there is none.
func (n *node) state(i, k, d int) (sums []Real, count Real) {
	at := n.idx[i]
	if at < 0 {
		return nil, 0
	}
	s := n.x.Val.Row(int(at))[k*(d+1):][:d+1]
	return s[:d], s[d]
}

func decayMeanBlock(n *node, s span) {
	m0, w, width := n.all[3].Val.Data, n.z.Val.Data, n.n1
	for i := s.lo; i < s.hi; i++ {
		row := n.out.Val.Row(i)
		for k, e := range n.aux.Row(i) {
			sums, count := n.state(i, k, len(m0))
			out := row[k*width:][:width]
			inv := 1 / (e*count + w[k])
			for j, m := range m0 {
				out[j] = w[k] * m * inv
			}
			if sums != nil {
				kernel.Axpy(out[:len(sums)], e*inv, sums)
			}
			if width > len(m0) {
				out[len(m0)] = max(e*count, 0) + countFloor // rows that ended leave a rounding error
			}
		}
	}
	if width > len(m0) {
		logColumns(n.out.Val, s, width)
	}
}

// logColumns takes the logarithm of the last of every width columns.
func logColumns(m Mat, s span, width int) {
	for i := s.lo; i < s.hi; i++ {
		row := m.Row(i)
		for j := width - 1; j < len(row); j += width {
			row[j] = Real(math.Log(float64(row[j])))
		}
	}
}

func decayMeanBack(t *Tape, n *node) {
	n.a = t.raw(len(n.idx), n.x.Cols()) // gradient of the state that each row read
	d, heads := n.all[3].Cols(), n.y.Cols()
	n.n2 = d + 2*heads // of a block: dm0, dw, drate
	n.sums = t.sums.take(blocks(len(n.idx), rowGrain(n.x.Cols())) * n.n2)
	t.run(len(n.idx), rowGrain(n.x.Cols()), n, decayMeanBackBlock)
	t.sendPart(n.all[3], n.sums, 0, n.n2)
	t.sendPart(n.z, n.sums, d, n.n2)
	t.sendPart(n.y, n.sums, d+heads, n.n2)
	if n.x.needs {
		into, add := t.into(n.x)
		t.scatter(into, n.a, n.idx, add)
	}
}

func decayMeanBackBlock(n *node, s span) {
	m0, w, width, d := n.all[3].Val.Data, n.z.Val.Data, n.n1, n.all[3].Cols()
	part := n.sums[s.block*n.n2:][:n.n2]
	clear(part)
	for i := s.lo; i < s.hi; i++ {
		for k, e := range n.aux.Row(i) {
			sums, count := n.state(i, k, d)
			g, mean := n.out.grad.Row(i)[k*width:][:width], n.out.Val.Row(i)[k*width:][:width]
			to := n.a.Row(i)[k*(d+1):][:d+1]
			inv := 1 / (e*count + w[k])
			zN := -kernel.Dot(g[:d], mean[:d]) * inv
			if width > d && e*count >= 0 {
				zN += g[d] / (e*count + countFloor)
			}
			var dw, read float64
			for j, v := range g[:d] {
				zS := v * inv
				to[j] = e * zS
				part[j] += float64(w[k] * zS)
				dw += float64((m0[j] - mean[j]) * zS)
				if sums != nil {
					read += float64(zS * e * sums[j])
				}
			}
			to[d] = e * zN
			part[d+k] += dw
			part[d+len(w)+k] -= float64(n.w[i]) * (read + float64(zN*e*count))
		}
	}
}

// sendPart adds columns [at, at + len) of all blocks of sums, each with so many numbers,
// to the gradient of v, in block order.
func (t *Tape) sendPart(v *Var, sums []float64, at, block int) {
	if !v.needs {
		return
	}
	g := t.GradOf(v)
	for k := range g.Data {
		var total float64
		for i := at + k; i < len(sums); i += block {
			total += sums[i]
		}
		g.Data[k] += Real(total)
	}
}
