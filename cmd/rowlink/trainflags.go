package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/graph/sample"
	"github.com/rowlink/rowlink/tabular/baseline"
)

// checkTrain refuses flags that cannot be meant before anything is read, in the words of
// the flags. given says whether a flag was written: its zero stands for the default.
func checkTrain(o *rowlink.FitOptions, given func(flag string) bool) error {
	for _, n := range []struct {
		flag  string
		value float64
	}{{"epochs", float64(o.Train.Epochs)}, {"batch", float64(o.Train.Batch)}, {"rate", o.Train.Rate}, {"width", float64(o.Train.Model.Width)},
		{"blocks", float64(o.Train.Model.Blocks)},
		{"ensemble", float64(o.Ensemble)}, {"time-limit", o.Train.TimeLimit.Seconds()}} {
		if given(n.flag) && !(n.value > 0) {
			return usage("", "--%s is %g, want more than 0", n.flag, n.value)
		}
	}
	for i, k := range o.Train.Model.FanOut {
		if k < 0 || i == 0 && k == 0 {
			return usage("write one number per hop, 0 for parents only: --fan-out 32,16,0", "--fan-out has %d in hop %d, want at least 1 in the first hop and 0 after it", k, i+1)
		}
	}
	for _, n := range []struct {
		flag, value string
		known       []string
	}{
		{"model", o.Model, append([]string{"auto", rowlink.GNN}, baseline.Names()...)},
		{"layer", o.Train.Model.Layer, conv.Names()},
		{"aggregate", o.Train.Model.Aggregate, conv.Aggregators()},
		{"plan", o.Train.Model.Plan, []string{model.PlanAuto, model.PlanFactored, model.PlanPlain}},
		{"strategy", o.Train.Model.Strategy, sample.Strategies()},
	} {
		if given(n.flag) && !slices.Contains(n.known, n.value) {
			return usage(fmt.Sprintf("have %s", strings.Join(n.known, ", ")), "--%s is %q", n.flag, n.value)
		}
	}
	return nil
}
