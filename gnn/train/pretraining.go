package train

import (
	"context"
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/ingest"
)

// pretraining is a network of sampled layers that learns without labels.
type pretraining struct {
	*run
	Unlabelled
	parts    []*future
	entities []int32 // that are known at the end
	from     int64   // when the first of their children came
	bound    *model.Bound
	sampler  *sample.Sampler
	batch    sample.Batch
	tape     *tensor.Tape
	pass     *model.Pass
}

// leastDraws is the number of seeds of a pass over few entities.
const leastDraws = 8192

// visible lists the entities that are known at the end, in the order of their keys.
func (p *pretraining) visible() (rows []int32) {
	t := p.Graph.Snap.Tables[p.Entity]
	for row := range int32(t.Rows) {
		if t.VisibleAt(p.Rule, row, p.Until) {
			rows = append(rows, row)
		}
	}
	return rows
}

// first is when the first child came.
func (p *pretraining) first() int64 {
	at := p.Until
	for _, f := range p.parts {
		for _, row := range p.entities {
			if _, times := f.list.Of(row); len(times) > 0 {
				at = min(at, times[0])
			}
		}
	}
	return at
}

// seeds draws the seeds of a pass. All of them are functions of keys and times, not of row
// numbers, so that rows to come move none.
func (p *pretraining) seeds(epoch int) []sample.Seed {
	t := p.Graph.Snap.Tables[p.Entity]
	var out []sample.Seed
	for draw := range (leastDraws + len(p.entities) - 1) / len(p.entities) {
		for _, row := range p.entities {
			key := tensor.Hash64(p.opt.Seed, 0x9e7, uint64(epoch), uint64(draw), t.KeyHash(row))
			if at, ok := p.instant(row, key); ok && t.VisibleAt(p.Rule, row, at) {
				out = append(out, sample.Seed{Row: row, At: at, Key: key})
			}
		}
	}
	order := permute(indices(len(out)), func(i int) uint64 { return out[i].Key })
	order = order[:min(len(order), p.opt.Steps*p.opt.Batch)]
	picked := make([]sample.Seed, len(order))
	for i, at := range order {
		picked[i] = out[at]
	}
	return picked
}

// instant draws when to ask about an entity: half of the times near one of its children,
// where something happens, else anywhere; a horizon before the end at the latest.
func (p *pretraining) instant(row int32, key uint64) (at int64, ok bool) {
	last := p.Until - int64(p.Horizon*dayMicros)
	if last <= p.from {
		return 0, false
	}
	at = p.from + int64(tensor.Uniform(key, 0)*float64(last-p.from))
	if tensor.Uniform(key, 1) < 0.5 {
		return at, true
	}
	f := p.parts[int(tensor.Uniform(key, 2)*float64(len(p.parts)))]
	_, times := f.list.Of(row)
	n := p.Rule.Cut(times, last)
	if n == 0 {
		return at, true
	}
	near := times[int(tensor.Uniform(key, 3)*float64(n))]
	return min(near+int64((2*tensor.Uniform(key, 4)-1)*p.Horizon*dayMicros), last), true
}

func (p *pretraining) epoch(ctx context.Context, e *Epoch) error {
	seeds := p.seeds(e.Number)
	if e.Seeds = len(seeds); e.Seeds == 0 {
		return &ingest.UserError{Msg: fmt.Sprintf("there is no instant to learn from: from the first row to the end lie fewer than %g days", p.Horizon), Hint: "choose a later end or a shorter horizon"}
	}
	for lo := 0; lo < len(seeds); lo += p.opt.Batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := seeds[lo:min(lo+p.opt.Batch, len(seeds))]
		loss, err := p.train(part, e.Number, len(seeds))
		if err != nil {
			return err
		}
		e.Loss += loss * float64(len(part)) / float64(len(seeds))
		if p.opt.OnStep != nil {
			p.opt.OnStep(e.Number, lo+len(part), len(seeds))
		}
	}
	return nil
}

// validate implements learner: nothing is validated.
func (p *pretraining) validate(context.Context) (tensor.Mat, error) { return tensor.Mat{}, nil }

// train makes one step of the optimiser and returns the mean loss of the parts.
func (p *pretraining) train(seeds []sample.Seed, epoch, all int) (float64, error) {
	p.tape.Reset()
	p.sampler.SampleInto(&p.batch, seeds, uint64(epoch))
	p.scratch.resize(len(seeds), 0)
	for i, s := range seeds {
		p.scratch.anchor[i] = s.At
	}
	out := p.pass.Forward(&p.batch, model.Seeds{Anchor: p.scratch.anchor, Drop: tensor.Hash64(p.opt.Seed, 0xd2, uint64(p.step))})
	grad := p.tape.Alloc(out.Val.Rows, out.Val.Cols)
	clear(grad.Data)
	loss, share := 0.0, 1/float64(len(p.parts))
	var terms []*tensor.Var
	for _, f := range p.parts {
		loss += share * p.foretell(f, seeds, out.Val, grad, share)
		linked := p.link(f, seeds, out)
		for _, l := range linked {
			loss += share * float64(l.Val.Data[0]) / float64(len(linked))
			terms = append(terms, p.tape.Scale(l, tensor.Real(share/float64(len(linked)))))
		}
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("the loss is %v at step %d: lower the learning rate (now %g)", loss, p.step+1, p.opt.Rate)
	}
	p.params.ZeroGrad()
	terms = append(terms, p.tape.SumAll(p.tape.Mul(out, p.tape.Const(grad))))
	p.tape.Backward(p.tape.Add(terms...))
	p.descend((all + p.opt.Batch - 1) / p.opt.Batch)
	return loss, nil
}

// tally sums up one kind of target: its loss, and where its gradients lie, until its mean
// can be taken.
type tally struct {
	loss  float64
	n     int
	cells []int
}

func (c *tally) add(grad tensor.Mat, i, j int, loss, g float64) {
	grad.Row(i)[j] = tensor.Real(g)
	c.loss, c.n, c.cells = c.loss+loss, c.n+1, append(c.cells, i*grad.Cols+j)
}

// close turns sums into means and returns the mean loss. per is how many cells make one.
func (c *tally) close(grad tensor.Mat, share float64, per int) float64 {
	if c.n == 0 {
		return 0
	}
	scale := float64(max(1, per)) / float64(c.n)
	for _, at := range c.cells {
		grad.Data[at] *= tensor.Real(share * scale)
	}
	return c.loss * scale
}

// foretell compares the outputs of one part with what came, and leaves gradients.
func (p *pretraining) foretell(f *future, seeds []sample.Seed, out, grad tensor.Mat, share float64) float64 {
	var windows, when, dense, codes tally
	var rows []int32
	var who []int
	for i, s := range seeds {
		for w, horizons := range foretoldWindows {
			end := s.At + int64(horizons*p.Horizon*dayMicros)
			if end > p.Until {
				continue
			}
			n := f.within(p.Rule, s.Row, s.At, end)
			j := f.at + 2*w
			loss, g := odds(float64(out.Row(i)[j]), float64(min(n, 1)))
			windows.add(grad, i, j, loss, g)
			loss, g = toward(float64(out.Row(i)[j+1]), math.Log1p(float64(n)))
			windows.add(grad, i, j+1, loss, g)
		}
		if child, days := f.next(p.Rule, s.Row, s.At, p.Until); child >= 0 {
			j := f.at + 2*len(foretoldWindows)
			loss, g := toward(float64(out.Row(i)[j]), math.Log1p(days))
			when.add(grad, i, j, loss, g)
			rows, who = append(rows, child), append(who, i)
		}
	}
	if len(rows) > 0 {
		p.cells(f, rows, who, out, grad, &dense, &codes)
	}
	return windows.close(grad, share, 2) + when.close(grad, share, 1) + dense.close(grad, share, 1) + codes.close(grad, share, max(1, f.codes/4))
}

// cells compares the cells of the next rows of some seeds.
func (p *pretraining) cells(f *future, rows []int32, who []int, out, grad tensor.Mat, dense, codes *tally) {
	values, csr, _ := p.bound.Cells(p.tape, f.table, rows)
	first := f.at + 2*len(foretoldWindows) + 1
	has := make([]bool, f.wide)
	for k, i := range who {
		for c := range f.dense {
			v := min(max(float64(values.Row(k)[c]), -5), 5)
			loss, g := toward(float64(out.Row(i)[first+c]), v)
			dense.add(grad, i, first+c, loss, g)
		}
		clear(has)
		for _, code := range csr.Src[csr.Ptr[k]:csr.Ptr[k+1]] {
			if at, ok := f.code[code]; ok {
				has[at] = true
			}
		}
		for c := range f.codes {
			j := 2*len(foretoldWindows) + 1 + f.dense + c
			y := 0.0
			if has[j] {
				y = 1
			}
			loss, g := odds(float64(out.Row(i)[f.at+j]), y)
			codes.add(grad, i, f.at+j, loss, g)
		}
	}
}

// negatives is with how many rows of other seeds the true one is compared.
const negatives = 8

// link returns, per foreign key of the next row, the loss of finding the row that it points
// to among those of other seeds of the batch.
func (p *pretraining) link(f *future, seeds []sample.Seed, out *tensor.Var) (losses []*tensor.Var) {
	t, width := p.tape, p.bound.Config.Width
	for n, l := range f.links {
		var who, parents []int32
		for i, s := range seeds {
			child, _ := f.next(p.Rule, s.Row, s.At, p.Until)
			if child < 0 || l.parents[child] < 0 || !p.Graph.Snap.Tables[l.table].VisibleAt(p.Rule, l.parents[child], p.Until) {
				continue
			}
			who, parents = append(who, int32(i)), append(parents, l.parents[child])
		}
		if len(who) <= negatives {
			continue
		}
		query := t.GatherRows(t.SliceCols(out, l.at, l.at+width), who)
		vectors := p.pass.RowVectors(l.table, parents)
		scores := []*tensor.Var{t.RowDot(query, vectors, 1)}
		for k := range negatives {
			shift := 1 + int(tensor.Hash64(p.opt.Seed, 0x11e6, uint64(p.step), uint64(n), uint64(k))%uint64(len(who)-1))
			other := t.Ints(len(who))
			for i := range other {
				other[i] = int32((i + shift) % len(who))
			}
			scores = append(scores, t.RowDot(query, t.GatherRows(vectors, other), 1))
		}
		logits := t.Scale(t.ConcatCols(scores...), tensor.Real(1/math.Sqrt(float64(width))))
		losses = append(losses, t.CrossEntropy(logits, make([]int32, len(who)), tensor.CrossEntropyOptions{}))
	}
	return losses
}
