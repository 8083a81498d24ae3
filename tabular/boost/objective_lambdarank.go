package boost

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

func init() { kinds.Add("lambdarank", kind{fit: fitLambdarank}) }

// lambdarank pushes pairs of rows of a group apart, the harder the more their exchange
// would cost in NDCG (Burges, 2010). As in LightGBM a pair's force shrinks with the
// distance of its scores, and a group's with its sum.
type lambdarank struct {
	label, weight []float64
	start         []int // of each group, and the end
	inverse       []float64
	maxRank       int
}

var _ Objective = (*lambdarank)(nil)

// maxRelevance keeps the gains 2^label - 1 exact.
const maxRelevance = 30

func fitLambdarank(d *Dataset, o ObjectiveOptions) (Objective, error) {
	if d.Group == nil {
		return nil, errors.New("lambdarank needs Group, the lengths of the groups of rows")
	}
	if err := eachLabel(d.Label, "a whole relevance of 0 to 30", func(y float64) bool { return y >= 0 && y <= maxRelevance && whole(y) }); err != nil {
		return nil, err
	}
	l := &lambdarank{label: d.Label, weight: d.Weight, start: []int{0}, maxRank: o.MaxRank}
	for i, n := range d.Group {
		l.start = append(l.start, l.start[i]+n)
		if best := idealDCG(d.Label[l.start[i]:l.start[i+1]], o.MaxRank); best > 0 {
			l.inverse = append(l.inverse, 1/best)
		} else {
			l.inverse = append(l.inverse, 0)
		}
	}
	return l, nil
}

func (*lambdarank) Outputs() int { return 1 }

func (*lambdarank) Base() []float64 { return []float64{0} }

func (l *lambdarank) Gradients(p pool, score, grad, hess [][]float64) {
	p.each(len(l.inverse), func(_, g int) {
		lo, hi := l.start[g], l.start[g+1]
		l.group(l.inverse[g], l.label[lo:hi], score[0][lo:hi], grad[0][lo:hi], hess[0][lo:hi])
		for i := lo; l.weight != nil && i < hi; i++ {
			grad[0][i] *= l.weight[i]
			hess[0][i] *= l.weight[i]
		}
	})
}

// group writes the forces on the rows of one group. Cost: its rows times maxRank.
func (l *lambdarank) group(inverse float64, label, score, grad, hess []float64) {
	clear(grad)
	clear(hess)
	if inverse == 0 {
		return
	}
	order := ranking(score)
	spread := score[order[0]] != score[order[len(order)-1]]
	var sum float64
	for i, a := range order[:min(l.maxRank, len(order))] {
		for j := i + 1; j < len(order); j++ {
			b := order[j]
			if label[a] == label[b] {
				continue
			}
			high, low := a, b
			if label[a] < label[b] {
				high, low = b, a
			}
			apart := score[high] - score[low]
			cost := (gainOf(label[high]) - gainOf(label[low])) * math.Abs(discount(i)-discount(j)) * inverse
			if spread {
				cost /= 0.01 + math.Abs(apart)
			}
			wrong := sigmoid(-apart)
			force, curve := cost*wrong, cost*wrong*(1-wrong)
			grad[high] -= force
			grad[low] += force
			hess[high] += curve
			hess[low] += curve
			sum += 2 * force
		}
	}
	if sum > 0 {
		norm := math.Log2(1+sum) / sum
		for i := range grad {
			grad[i] *= norm
			hess[i] *= norm
		}
	}
}

// ranking lists rows by falling score, the earlier of equals first.
func ranking(score []float64) []int {
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	return order
}
