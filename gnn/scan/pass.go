package scan

import (
	"github.com/rowlink/rowlink/gnn/tensor"
)

// states are those of the messages of the last layer, by number of the state; nil where no
// seed reads one.
type states []*tensor.Var

// messages runs all layers: the one pass over the rows that all seeds share.
func (b *Bound) messages(t *tensor.Tape) states {
	var below states
	for l := 1; l <= b.Config.Layers; l++ {
		sent := make([]*tensor.Var, len(b.Types)) // per table, with a column that counts
		for table, s := range b.senders[l] {
			if s != nil {
				sent[table] = b.withOnes(t, b.send(t, l, table, s, below))
			}
		}
		made := make(states, len(b.plan.states))
		for k, p := range b.plan.states {
			if b.plan.made[l][p.to] {
				made[k] = b.states(t, b.lists[k], sent[p.from])
			}
		}
		below = made
	}
	return below
}

// send makes the messages of a table's rows: rows x width.
func (b *Bound) send(t *tensor.Tape, l, table int, s *sender, below states) *tensor.Var {
	r := b.tables[table]
	x := t.Const(r.x)
	if l > 1 {
		x = t.Const(b.inputs[table].Val)
	}
	terms := []tensor.GatherTerm{{X: t.Linear(x, s.own.Var(t), s.bias.Var(t), tensor.Identity)}}
	for _, up := range s.ups {
		v := t.MatMul(t.Const(b.tables[up.path.to].x), up.by.Var(t))
		terms = append(terms, tensor.GatherTerm{X: v, Index: b.above[up.path.name]})
	}
	for i, read := range s.reads {
		e := b.reads[table][i]
		mean := b.learnedMeans(t, b.priors[l-1][read.state], below[read.state], e)
		terms = append(terms, tensor.GatherTerm{X: t.MatMul(mean, read.by.Var(t))})
	}
	return t.Activate(t.GatherSum(r.table.Rows, terms...), tensor.ReLU)
}

// learnedMeans reads the decayed means of messages at some events.
func (b *Bound) learnedMeans(t *tensor.Tape, p prior, states *tensor.Var, e moments) *tensor.Var {
	return t.DecayMean(states, e.at, e.age, b.rates(t), t.Activate(p.weight.Var(t), tensor.Softplus), p.mean.Var(t), false)
}
