package tower

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/tasks"
)

// Epoch is what one pass over the pairs came to.
type Epoch struct {
	Loss float64 // mean over the pairs
	Val  float64 // MAP of the validation seeds
}

// Fit trains both towers on seeds and keeps the epoch that was best on validation seeds.
// The loss is the cross entropy of a true item against the items that are known at the
// cut, or a uniform sample of them that stands for all; other true items of the seed do
// not count against it. Equal data, options and seed give equal bits at any number of
// threads. Memory: four times the vectors of all items.
func Fit(ctx context.Context, pool *tensor.Pool, d Data, seeds, valid []Seed, opt Options) (*Model, []Epoch, error) {
	o := opt.filled()
	f := &fitter{pool: pool, tape: tensor.NewTape(pool), seeds: seeds, groups: byCut(seeds)}
	if len(f.groups) == 0 {
		return nil, nil, errors.New("train two towers: no training seeds")
	}
	last := seeds[f.groups[len(f.groups)-1][0]].Cut
	f.Model = newModel(d, o, last)
	f.adam = nn.NewAdamW(f.set, pool, nn.AdamOptions{Decay: o.Decay})
	f.tape.Train = true
	var log []Epoch
	best, bestAt := f.set.Copy(), 0
	for epoch := range o.Epochs {
		loss, err := f.epoch(ctx, uint64(epoch))
		if err != nil {
			return nil, nil, err
		}
		log = append(log, Epoch{Loss: loss, Val: f.validate(valid)})
		if epoch == 0 || log[epoch].Val > log[bestAt].Val || len(valid) == 0 {
			best, bestAt = f.set.Copy(), epoch
		}
		if epoch-bestAt >= o.Patience {
			break
		}
	}
	f.set.Restore(best)
	return f.Model, log, nil
}

// fitter is a training under way.
type fitter struct {
	*Model
	pool   *tensor.Pool
	tape   *tensor.Tape
	adam   *nn.Adam
	seeds  []Seed
	groups [][]int // seeds of one cut
	steps  int
}

// pair is a seed and one of its true items.
type pair struct{ seed, item int32 }

// validate is the MAP of lists for the validation seeds.
func (f *fitter) validate(valid []Seed) float64 {
	truth, lists := make([][]int32, len(valid)), make([][]int32, len(valid))
	for i, hits := range f.Recommend(f.pool, valid, f.opt.Top, nil) {
		truth[i] = valid[i].Items
		for _, h := range hits {
			lists[i] = append(lists[i], h.Item)
		}
	}
	metric, _ := tasks.RankingMetricByName("map")
	return metric.Compute(truth, lists, f.opt.Top)
}

// epoch goes once over the pairs, cut by cut in random order.
func (f *fitter) epoch(ctx context.Context, epoch uint64) (loss float64, err error) {
	draw := tensor.NewStream(f.opt.Seed, tensor.HashString("two towers"), epoch)
	groups := slices.Clone(f.groups)
	draw.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	share := f.share()
	var pairs []pair
	n := 0
	for _, g := range groups {
		pairs = pairs[:0]
		for _, s := range g {
			for _, item := range f.seeds[s].Items {
				if share >= 1 || draw.Float64() < share {
					pairs = append(pairs, pair{int32(s), item})
				}
			}
		}
		draw.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		at := f.moment(f.seeds[g[0]].Cut)
		for lo := 0; lo < len(pairs); lo += f.opt.Batch {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			batch := pairs[lo:min(lo+f.opt.Batch, len(pairs))]
			loss += f.step(at, batch, draw) * float64(len(batch))
			n += len(batch)
		}
	}
	return loss / float64(n), nil
}

// share is the part of the pairs that an epoch takes.
func (f *fitter) share() float64 {
	n := 0
	for _, s := range f.seeds {
		n += len(s.Items)
	}
	return float64(f.opt.Pairs) / float64(max(n, 1))
}

// moment is what is the same for all seeds of a cut.
type moment struct {
	known   []int32 // items
	popular tensor.Mat
}

func (f *fitter) moment(cut int64) *moment {
	m := &moment{popular: f.popular(cut)}
	for i := range int32(f.data.Items) {
		if f.data.Known == nil || f.data.Known(i, cut) {
			m.known = append(m.known, i)
		}
	}
	return m
}

// candidates are the items that a step scores, and what is added to the score of each
// drawn one so that the sample stands for all: the true items of the batch come first,
// which count for their own pairs only, then the drawn ones.
func (f *fitter) candidates(m *moment, batch []pair, draw *tensor.Stream) (items []int32, trues int, shift float64) {
	for _, p := range batch {
		items = append(items, p.item)
	}
	slices.Sort(items)
	items = slices.Compact(items)
	trues = len(items)
	if len(m.known) <= f.opt.Negatives {
		return append(items, m.known...), trues, 0
	}
	for range f.opt.Negatives {
		items = append(items, m.known[draw.IntN(len(m.known))])
	}
	return items, trues, math.Log(float64(len(m.known)) / float64(f.opt.Negatives))
}

// unlikely is added to the score of an item that a pair is not held against.
const unlikely = -1e4

// step moves the parameters by one batch and returns its loss.
func (f *fitter) step(m *moment, batch []pair, draw *tensor.Stream) float64 {
	t := f.tape
	t.Reset()
	f.set.ZeroGrad()
	items, trues, shift := f.candidates(m, batch, draw)
	seeds, target, offset := make([]Seed, len(batch)), make([]int32, len(batch)), tensor.NewMat(len(batch), len(items))
	for i, p := range batch {
		seeds[i] = f.seeds[p.seed]
		at, _ := slices.BinarySearch(items[:trues], p.item)
		target[i] = int32(at)
		f.offsets(offset.Row(i), items, trues, at, seeds[i].Items, shift)
	}
	f.steps++
	key := tensor.Hash64(f.opt.Seed, uint64(f.steps))
	own := func(item int32) bool { return f.warm[item] && tensor.Uniform(key, uint64(item)) >= f.opt.Cold }
	popular := t.Alloc(len(items), m.popular.Cols)
	for i, item := range items {
		copy(popular.Row(i), m.popular.Row(int(item)))
	}
	scores := products(t, f.seedVectors(t, seeds, own), t.ConcatCols(f.itemVectors(t, items, own), t.Const(popular)))
	loss := t.CrossEntropy(t.Add(scores, t.Const(offset)), target, tensor.CrossEntropyOptions{})
	t.Backward(loss)
	nn.ClipGradNorm(f.set, f.pool, 1)
	f.adam.Step(f.opt.Rate)
	return float64(loss.Val.Data[0])
}

// offsets says which items a pair is held against.
func (f *fitter) offsets(out []tensor.Real, items []int32, trues, own int, all []int32, shift float64) {
	for j := range out {
		switch {
		case j == own:
		case j < trues:
			out[j] = unlikely
		default:
			if _, also := slices.BinarySearch(all, items[j]); also {
				out[j] = unlikely
			} else {
				out[j] = tensor.Real(shift)
			}
		}
	}
}

// products are the inner products of all rows of u with all rows of v.
func products(t *tensor.Tape, u, v *tensor.Var) *tensor.Var {
	val := t.Alloc(u.Rows(), v.Rows())
	t.Product(tensor.NT, val, u.Val, v.Val)
	return t.Custom(val, func(grad tensor.Mat) {
		addProduct(t, u, tensor.NN, grad, v.Val)
		addProduct(t, v, tensor.TN, grad, u.Val)
	}, u, v)
}

// addProduct adds a product to the gradient of x.
func addProduct(t *tensor.Tape, x *tensor.Var, form tensor.Form, a, b tensor.Mat) {
	if !x.Needs() {
		return
	}
	part, grad := t.Alloc(x.Rows(), x.Cols()), t.GradOf(x)
	t.Product(form, part, a, b)
	for i, v := range part.Data {
		grad.Data[i] += v
	}
}
