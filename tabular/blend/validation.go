package blend

import (
	"math"

	"github.com/rowlink/rowlink/tasks"
)

// Validation is what a choice is made on.
type Validation struct {
	Names  []string // of the candidates, the simplest first
	Metric tasks.Metric
	Blocks []Block
	Seed   uint64 // of the draws
}

// Block is one stretch of time after which nothing was learned from: its examples with
// every candidate's answers to them.
type Block struct {
	Truth   []float64
	Anchor  []int64     // of each example; whole anchors are drawn
	Answers [][]float64 // per candidate: examples x width
}

// width is the number of numbers per example.
func (b *Block) width() int { return len(b.Answers[0]) / len(b.Truth) }

// mostExamples bounds the cost of a choice: of a block with more of them every n-th is
// looked at, in the order of the label table.
const mostExamples = 20_000

// thinned is the validation with the examples alone that choices look at, without blocks
// that have none.
func (v *Validation) thinned() *Validation {
	out := &Validation{Names: v.Names, Metric: v.Metric, Seed: v.Seed}
	for i := range v.Blocks {
		if b := &v.Blocks[i]; len(b.Truth) > 0 {
			out.Blocks = append(out.Blocks, b.thinned())
		}
	}
	return out
}

func (b *Block) thinned() Block {
	step := (len(b.Truth) + mostExamples - 1) / mostExamples
	if step == 1 {
		return *b
	}
	out := Block{Answers: make([][]float64, len(b.Answers))}
	for r := 0; r < len(b.Truth); r += step {
		out.Truth, out.Anchor = append(out.Truth, b.Truth[r]), append(out.Anchor, b.Anchor[r])
		for i, a := range b.Answers {
			out.Answers[i] = append(out.Answers[i], a[r*b.width():(r+1)*b.width()]...)
		}
	}
	return out
}

// sample names examples of every block, by position; one may be named more than once.
type sample [][]int

// all is every example once.
func (v *Validation) all() sample {
	s := make(sample, len(v.Blocks))
	for i, b := range v.Blocks {
		for r := range b.Truth {
			s[i] = append(s[i], r)
		}
	}
	return s
}

// draw draws anchors of every block. left holds the examples that were not drawn.
func (v *Validation) draw(round int) (drawn, left sample) {
	drawn, left = make(sample, len(v.Blocks)), make(sample, len(v.Blocks))
	for i, b := range v.Blocks {
		in := make([]bool, len(b.Truth))
		drawn[i] = tasks.NewAnchors(b.Anchor, v.Seed+uint64(i)).Draw(round, nil, in)
		for r, yes := range in {
			if !yes {
				left[i] = append(left[i], r)
			}
		}
	}
	return drawn, left
}

// score is the metric, on average over the blocks that have one, turned so that more is
// better; NaN where none has. answers holds one list per block.
func (v *Validation) score(answers [][]float64, s sample) float64 {
	sum, n := 0.0, 0
	for i := range v.Blocks {
		if m := tasks.MetricOn(v.Metric, v.Blocks[i].Truth, answers[i], s[i]); !math.IsNaN(m) {
			sum += m
			n++
		}
	}
	switch {
	case n == 0:
		return math.NaN()
	case v.Metric.HigherIsBetter():
		return sum / float64(n)
	}
	return -sum / float64(n)
}

// metric is the metric's mean over the blocks, in its own direction.
func (v *Validation) metric(answers [][]float64) float64 {
	if v.Metric.HigherIsBetter() {
		return v.score(answers, v.all())
	}
	return -v.score(answers, v.all())
}

// answers is what candidate c answered in every block.
func (v *Validation) answers(c int) [][]float64 {
	out := make([][]float64, len(v.Blocks))
	for i := range v.Blocks {
		out[i] = v.Blocks[i].Answers[c]
	}
	return out
}

// best is the candidate with the best score, the first of equals; -1 where none has one.
func (v *Validation) best() (at int, score float64) {
	at, score = -1, math.NaN()
	for c := range v.Names {
		if s := v.score(v.answers(c), v.all()); !math.IsNaN(s) && (at < 0 || s > score) {
			at, score = c, s
		}
	}
	return at, score
}
