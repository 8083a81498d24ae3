package tasks

import (
	"math"
	"math/bits"
	"slices"
	"strings"
)

func init() { types.Add(Multilabel, multilabelType{}) }

// Multilabel is the task type that tells for each class whether it will be in a set. Its
// label is the sum of 2^c over the classes c of the set, which a float64 holds exactly.
const Multilabel = "multilabel_classification"

// mostLabels is the most classes of a multilabel task (code TK177).
const mostLabels = 52

// multilabelType has one logit per class; its loss is the sum of their cross-entropies.
type multilabelType struct{}

func (multilabelType) Outputs(s *Scaling) int { return len(s.Classes) }

func (multilabelType) Loss(s *Scaling, out, target, grad []float64) float64 {
	var sum float64
	n, k := float64(len(target)), len(s.Classes)
	for i, x := range out {
		y := 0.0
		if Holds(target[i/k], i%k) {
			y = 1
		}
		sum += math.Max(x, 0) - x*y + math.Log1p(math.Exp(-math.Abs(x)))
		grad[i] = (sigmoid(x) - y) / n
	}
	return sum / n
}

func (multilabelType) Decode(_ *Scaling, out []float64) []float64 {
	return binaryType{}.Decode(nil, out)
}

// Holds reports whether the set of a multilabel label holds a class.
func Holds(label float64, class int) bool { return uint64(label)>>class&1 == 1 }

// LabelSet names the classes of a multilabel label, in their order.
func LabelSet(label float64, classes []string) []string {
	out := []string{}
	for set := uint64(label); set != 0; set &= set - 1 {
		out = append(out, classes[bits.TrailingZeros64(set)])
	}
	return out
}

// setJoin separates the values of a set while labels are gathered.
const setJoin = "\x1f"

// setOf joins the values of a list.
func setOf(list []Value) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = v.String()
	}
	return strings.Join(parts, setJoin)
}

// setLabels numbers the classes that training has seen and turns sets into labels. Other
// classes fall out of the sets, and examples of which nothing is left out of the table.
func (l *LabelTable) setLabels(sets []string, trains func(*LabelTable, int) bool) error {
	l.Classes = []string{}
	for i, set := range sets {
		if trains(l, i) {
			l.Classes = append(l.Classes, strings.Split(set, setJoin)...)
		}
	}
	slices.Sort(l.Classes)
	l.Classes = slices.Compact(l.Classes)
	sortClasses(l.Classes)
	if n := len(l.Classes); n > mostLabels {
		return tooMany(l.Task, n, mostLabels)
	}
	to := 0
	for i, set := range sets {
		label := Mask(strings.Split(set, setJoin), l.Classes)
		if label == 0 {
			l.Report.UnseenClass++
			continue
		}
		l.Entity[to], l.Anchor[to], l.Split[to], l.Label[to] = l.Entity[i], l.Anchor[i], l.Split[i], label
		to++
	}
	l.Entity, l.Anchor, l.Split, l.Label = l.Entity[:to], l.Anchor[:to], l.Split[:to], l.Label[:to]
	return nil
}

// Mask is the label of a set of classes, without those that are not among the known ones.
func Mask(set, classes []string) float64 {
	var mask uint64
	for _, c := range set {
		if at := slices.Index(classes, c); at >= 0 {
			mask |= 1 << at
		}
	}
	return float64(mask)
}
