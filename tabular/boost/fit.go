package boost

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
)

func poolOf(threads int) pool {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return pool(threads)
}

// Fit learns a model. Cost per tree: about rows x columns x the depth to which rows are
// divided, of which the smaller halves are counted; memory: a byte per row and column
// twice, and 16 bytes per bin and leaf.
func Fit(ctx context.Context, d *Dataset, opt Options) (*Model, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, fmt.Errorf("options: %w", err)
	}
	if err := d.validate(); err != nil {
		return nil, err
	}
	k, err := kinds.Get(opt.Objective)
	if err != nil {
		return nil, err
	}
	objective, err := k.fit(d, opt.Objectives)
	if err != nil {
		return nil, err
	}
	b, err := newBooster(d, opt, k, objective)
	if err != nil {
		return nil, err
	}
	return b.run(ctx)
}

// booster is a fit in progress.
type booster struct {
	opt       Options
	pool      pool
	data      *Dataset
	objective Objective
	grower    *grower
	codes     [][]uint8 // columns x rows
	usable    []int     // columns with at least two bins
	packed    packed
	model     *Model

	score, grad, hess [][]float64 // outputs x rows
	sampled           []int32
	inSample          []bool
	valid             *validation
}

func newBooster(d *Dataset, opt Options, k kind, objective Objective) (*booster, error) {
	n := d.Rows()
	b := &booster{opt: opt, pool: pool(opt.Threads), data: d, objective: objective, codes: make([][]uint8, len(d.Columns))}
	b.model = &Model{Objective: opt.Objective, Features: make([]Feature, len(d.Columns)), Base: objective.Base()}
	b.pool.each(len(d.Columns), func(_, j int) {
		f := fitFeature(&d.Columns[j], opt.MaxBins, streamKey(opt.Seed, streamRows, -1, j))
		b.codes[j] = make([]uint8, n)
		f.encode(d.Columns[j].Values, b.codes[j])
		b.model.Features[j] = f
	})
	for j := range b.codes {
		if first := b.codes[j][0]; slices.ContainsFunc(b.codes[j], func(c uint8) bool { return c != first }) {
			b.usable = append(b.usable, j)
		}
	}
	b.grower = newGrower(opt, b.model.Features, n)
	b.grower.packed = &b.packed
	b.packed.pack(b.pool, b.codes, b.usable, b.model.Features, n)
	for _, base := range b.model.Base {
		b.score = append(b.score, slices.Repeat([]float64{base}, n))
		b.grad, b.hess = append(b.grad, make([]float64, n)), append(b.hess, make([]float64, n))
	}
	if opt.Valid == nil {
		return b, nil
	}
	var err error
	b.valid, err = newValidation(b.pool, opt, k, b.model)
	return b, err
}

// run boosts round by round.
func (b *booster) run(ctx context.Context) (*Model, error) {
	for round := range b.opt.Rounds {
		grown, err := b.round(ctx, round)
		if err != nil {
			return nil, err
		}
		score := math.NaN()
		if b.valid != nil {
			score = b.valid.score()
		}
		if b.opt.OnRound != nil {
			b.opt.OnRound(round, score)
		}
		// Without a sample of rows or columns the next round would be this one again.
		same := !grown && b.opt.Subsample == 1 && b.opt.Colsample == 1
		if same || b.valid != nil && b.valid.stop(round, score, b.opt.Patience) {
			break
		}
	}
	if b.valid != nil {
		b.model.Trees = b.model.Trees[:(b.valid.best+1)*b.model.Outputs()]
	}
	return b.model, nil
}

// round grows a tree for each output and says whether any has a split.
func (b *booster) round(ctx context.Context, round int) (grown bool, err error) {
	b.objective.Gradients(b.pool, b.score, b.grad, b.hess)
	b.sample(round)
	for k := range b.score {
		if b.opt.Colsample < 1 {
			columns := sampleColumns(streamKey(b.opt.Seed, streamColumns, round, k), b.usable, b.opt.Colsample)
			b.packed.pack(b.pool, b.codes, columns, b.model.Features, b.data.Rows())
		}
		b.grower.grad, b.grower.hess, b.grower.sampled = b.grad[k], b.hess[k], b.sampled
		tree, err := b.grower.grow(ctx, streamKey(b.opt.Seed, streamRounding, round, k))
		if err != nil {
			return false, err
		}
		b.finish(tree, k)
		grown = grown || len(tree.Nodes) > 0
		b.model.Trees = append(b.model.Trees, *tree)
		if b.valid != nil {
			b.valid.add(b.pool, tree, k)
		}
	}
	return grown, nil
}

// sample draws the rows of a round.
func (b *booster) sample(round int) {
	if b.opt.Subsample == 1 {
		return
	}
	b.sampled = sampleRows(streamKey(b.opt.Seed, streamRows, round, 0), b.data.Rows(), b.opt.Subsample, b.sampled)
	if b.inSample == nil {
		b.inSample = make([]bool, b.data.Rows())
	}
	clear(b.inSample)
	for _, r := range b.sampled {
		b.inSample[r] = true
	}
}

// finish renews the leaves where the objective asks for it, applies the learning rate and
// moves the scores.
func (b *booster) finish(t *Tree, output int) {
	score := b.score[output]
	renew, renews := b.objective.(renewer)
	b.pool.each(len(t.Leaves), func(_, i int) {
		l := b.grower.leaves[i]
		rows, leaf := b.grower.order[l.lo:l.hi], &t.Leaves[i]
		if renews {
			leaf.Value = max(l.low, min(l.high, b.residual(rows, score, renew.renewal())))
		}
		leaf.Value *= b.opt.LearningRate
		for _, r := range rows {
			score[r] += leaf.Value
		}
	})
	if b.sampled == nil {
		return
	}
	b.pool.rows(len(score), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			if !b.inSample[r] {
				score[r] += t.Leaves[t.leafOf(b.codes, r)].Value
			}
		}
	})
}

// residual is a quantile of what the scores of some rows lack.
func (b *booster) residual(rows []int32, score []float64, q float64) float64 {
	lack := make([]float64, len(rows))
	var weight []float64
	for i, r := range rows {
		lack[i] = b.data.Label[r] - score[r]
		if b.data.Weight != nil {
			weight = append(weight, b.data.Weight[r])
		}
	}
	return quantileOf(lack, weight, q)
}
