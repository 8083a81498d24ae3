package kernel

// Attention holds the kernels of attention over edges. A row is read as heads of
// len(row)/heads columns each; w and s hold heads numbers per edge, edge by edge; rows
// names one row of x per edge, rows being stride apart.
type Attention struct {
	// HeadDots scores by inner products: s[e,h] = q_h . x[rows[e]]_h.
	HeadDots func(s, q, x []Real, stride int, rows []int32, heads int)
	// GatherHeads adds weighted rows: dst_h += sum over e of w[e,h] x[rows[e]]_h.
	GatherHeads func(dst, x []Real, stride int, rows []int32, w []Real, heads int)
	// LeakyDots scores additively: s[e,h] = att_h . leaky(q_h + x[rows[e]]_h), leaky(z) =
	// z, or Leak z where z <= 0.
	LeakyDots func(s, q, att, x []Real, stride int, rows []int32, heads int)
	// LeakySlopes is the way back of LeakyDots given the gradients s of the scores. With
	// z = q + x[rows[e]] and leaky'(z) = 1, or Leak where z <= 0, it adds the sums over e
	// of s[e,h] leaky'(z_h) to dq and of s[e,h] leaky(z_h) to datt; datt may be nil.
	LeakySlopes func(dq, datt, s, q, x []Real, stride int, rows []int32, heads int)
}

// Leak is the slope of leaky below 0, as in graph attention.
const Leak Real = 0.2

// HeadDots is [Attention.HeadDots] on the path in use.
func HeadDots(s, q, x []Real, stride int, rows []int32, heads int) {
	active.Attention.HeadDots(s, q, x, stride, rows, heads)
}

// GatherHeads is [Attention.GatherHeads] on the path in use.
func GatherHeads(dst, x []Real, stride int, rows []int32, w []Real, heads int) {
	active.Attention.GatherHeads(dst, x, stride, rows, w, heads)
}

// LeakyDots is [Attention.LeakyDots] on the path in use.
func LeakyDots(s, q, att, x []Real, stride int, rows []int32, heads int) {
	active.Attention.LeakyDots(s, q, att, x, stride, rows, heads)
}

// LeakySlopes is [Attention.LeakySlopes] on the path in use.
func LeakySlopes(dq, datt, s, q, x []Real, stride int, rows []int32, heads int) {
	active.Attention.LeakySlopes(dq, datt, s, q, x, stride, rows, heads)
}

var plainAttention = Attention{
	HeadDots:    plainHeadDots,
	GatherHeads: plainGatherHeads,
	LeakyDots:   plainLeakyDots,
	LeakySlopes: plainLeakySlopes,
}

func plainHeadDots(s, q, x []Real, stride int, rows []int32, heads int) {
	width := len(q) / heads
	for e, r := range rows {
		row := x[int(r)*stride:][:len(q)]
		for h := range heads {
			s[e*heads+h] = plainDot(q[h*width:][:width], row[h*width:][:width])
		}
	}
}

func plainGatherHeads(dst, x []Real, stride int, rows []int32, w []Real, heads int) {
	if len(rows) == 0 {
		return
	}
	width := len(dst) / heads
	for h := range heads {
		plainGatherAxpy(dst[h*width:][:width], x[h*width:], stride, rows, w[h:], heads)
	}
}

func plainLeakyDots(s, q, att, x []Real, stride int, rows []int32, heads int) {
	width := len(q) / heads
	for e, r := range rows {
		row := x[int(r)*stride:][:len(q)]
		for h := range heads {
			q, att, row := q[h*width:][:width], att[h*width:][:width], row[h*width:][:width]
			var sum Real
			for j, z := range row {
				z += q[j]
				sum += att[j] * max(z, Leak*z)
			}
			s[e*heads+h] = sum
		}
	}
}

func plainLeakySlopes(dq, datt, s, q, x []Real, stride int, rows []int32, heads int) {
	width := len(q) / heads
	for e, r := range rows {
		row := x[int(r)*stride:][:len(q)]
		for h, g := range s[e*heads:][:heads] {
			low := g * Leak
			for j := h * width; j < (h+1)*width; j++ {
				z, d := row[j]+q[j], g
				if z <= 0 {
					d = low
				}
				dq[j] += d
				if datt != nil {
					datt[j] += d * z
				}
			}
		}
	}
}

// naiveAttention goes edge by edge and head by head.
var naiveAttention = Attention{
	HeadDots: func(s, q, x []Real, stride int, rows []int32, heads int) {
		for j := range q {
			for e, r := range rows {
				h := j / (len(q) / heads)
				if j%(len(q)/heads) == 0 {
					s[e*heads+h] = 0
				}
				s[e*heads+h] += q[j] * x[int(r)*stride+j]
			}
		}
	},
	GatherHeads: func(dst, x []Real, stride int, rows []int32, w []Real, heads int) {
		for j := range dst {
			for e, r := range rows {
				dst[j] += w[e*heads+j/(len(dst)/heads)] * x[int(r)*stride+j]
			}
		}
	},
	LeakyDots: func(s, q, att, x []Real, stride int, rows []int32, heads int) {
		for j := range q {
			for e, r := range rows {
				h := j / (len(q) / heads)
				if j%(len(q)/heads) == 0 {
					s[e*heads+h] = 0
				}
				z := q[j] + x[int(r)*stride+j]
				s[e*heads+h] += att[j] * max(z, Leak*z)
			}
		}
	},
	LeakySlopes: func(dq, datt, s, q, x []Real, stride int, rows []int32, heads int) {
		for j := range q {
			for e, r := range rows {
				d, z := s[e*heads+j/(len(q)/heads)], q[j]+x[int(r)*stride+j]
				if z <= 0 {
					d *= Leak
				}
				dq[j] += d
				if datt != nil {
					datt[j] += d * z
				}
			}
		}
	},
}
