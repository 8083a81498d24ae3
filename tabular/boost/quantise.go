package boost

import "math"

// A gradient and a Hessian are rounded to whole numbers and packed into one word, the
// gradient in the upper half. The sum of a block of words is the packed pair of sums as
// long as no half overflows: at 18 bits that is 8,000 rows, and one addition per row and
// column builds a histogram. Wider sums hold the blocks.

const (
	gradientBits = 18
	blockRows    = 8000 // 2^18 * 8000 < 2^31
	// Where most gradients are tiny beside the largest one, they get three bits more and
	// blocks an eighth as long.
	fineBits      = gradientBits + 3
	fineBlockRows = blockRows / 8
	// coarseMean is the least mean of rounded gradients at gradientBits.
	coarseMean = 64
)

// quantised are the gradients of one tree.
type quantised struct {
	word   []int64 // rows: gradient << 32 + Hessian
	g, h   float64 // what one unit of each is worth; powers of 2
	block  int     // rows whose words may be added up
	steady bool    // every Hessian is the same
}

// unit is the least power of 2 that 2^bits of reach most.
func unit(most float64, bits int) float64 {
	if most == 0 {
		return 1
	}
	_, exp := math.Frexp(most) // most <= 2^exp
	return math.Ldexp(1, exp-bits)
}

// quantise rounds gradients so that the mean of the rounding is the number itself: up with
// the chance of what lies above the floor, by numbers of key.
func (q *quantised) quantise(p pool, key uint64, grad, hess []float64) {
	var mostG, mostH, sum float64
	leastH := math.Inf(1)
	for i, g := range grad {
		mostG, sum = math.Max(mostG, math.Abs(g)), sum+math.Abs(g)
		mostH, leastH = math.Max(mostH, hess[i]), math.Min(leastH, hess[i])
	}
	q.steady = mostH == leastH
	bits := gradientBits
	q.block = blockRows
	if mostG > 0 && sum/float64(len(grad))/mostG*(1<<gradientBits) < coarseMean {
		bits, q.block = fineBits, fineBlockRows
	}
	q.g, q.h = unit(mostG, bits), unit(mostH, bits)
	q.word = q.word[:len(grad)]
	perG, perH := 1/q.g, 1/q.h
	p.rows(len(grad), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r := draw(key, uint64(i))
			u, v := float64(r>>32)/(1<<32), float64(r&(1<<32-1))/(1<<32)
			g, h := int64(math.Floor(grad[i]*perG+u)), int64(math.Floor(hess[i]*perH+v))
			q.word[i] = g<<32 + h
		}
	})
}
