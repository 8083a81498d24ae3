package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
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
		{"blocks", float64(o.Train.Model.Blocks)}, {"window", o.Train.Model.Window}, {"half-life", o.Train.Model.HalfLife},
		{"ensemble", float64(o.Ensemble)}, {"val-blocks", float64(o.ValBlocks)}, {"time-limit", o.Train.TimeLimit.Seconds()}} {
		if given(n.flag) && !(n.value > 0) {
			return usage("", "--%s is %g, want more than 0", n.flag, n.value)
		}
	}
	for i, k := range o.Train.Model.FanOut {
		if k < 0 || i == 0 && k == 0 {
			return usage("write one number per hop, 0 for parents only: --fan-out 32,16,0", "--fan-out has %d in hop %d, want at least 1 in the first hop and 0 after it", k, i+1)
		}
	}
	hops := len(o.Train.Model.Complete(0).FanOut)
	for _, name := range slices.Sorted(maps.Keys(o.Train.Model.FanOutByEdge)) {
		if n := len(o.Train.Model.FanOutByEdge[name]); n != hops {
			return usage("write one number per hop, as for --fan-out", "--fan-out-by-edge %s has %d hops, want %d", name, n, hops)
		}
	}
	if given("half-life") && o.Train.Model.Strategy != "recency" {
		return usage("add --strategy recency", "--half-life is given, but the strategy is %s", cmp.Or(o.Train.Model.Strategy, "latest"))
	}
	for _, n := range []struct {
		flag, value string
		known       []string
	}{
		{"model", o.Model, append([]string{"auto", rowlink.GNN, rowlink.Scan, rowlink.Blend}, baseline.Names()...)},
		{"layer", o.Train.Model.Layer, model.Layers()},
		{"aggregate", o.Train.Model.Aggregate, conv.Aggregators()},
		{"plan", o.Train.Model.Plan, []string{model.PlanAuto, model.PlanFactored, model.PlanPlain}},
		{"strategy", o.Train.Model.Strategy, sample.Strategies()},
		{"schedule", o.Train.Schedule, train.Schedules()},
	} {
		if given(n.flag) && !slices.Contains(n.known, n.value) {
			return usage(fmt.Sprintf("have %s", strings.Join(n.known, ", ")), "--%s is %q", n.flag, n.value)
		}
	}
	return nil
}

// registerNetwork adds the flags of a network of sampled layers that pretrain shares with train.
func registerNetwork(f *pflag.FlagSet, o *train.Options) {
	f.StringVar(&o.Model.Layer, "layer", "", "message-passing layer: "+strings.Join(conv.Names(), ", ")+" (default sage)")
	f.StringVar(&o.Model.Aggregate, "aggregate", "", "how neighbours are summed up: decay (default), mean, sum, max")
	f.Uint64Var(&o.Seed, "seed", 42, "equal seeds give equal networks")
	f.IntVar(&o.Epochs, "epochs", 0, "passes (default 5)")
	f.IntVar(&o.Batch, "batch", 0, "seeds per step (default 256)")
	f.Float64Var(&o.Rate, "rate", 0, "learning rate (default 0.002)")
	f.IntVar(&o.Model.Width, "width", 0, "channels (default 32)")
	f.IntSliceVar(&o.Model.FanOut, "fan-out", nil, "children per foreign key, one number per hop, 0 = parents only (default 32,16)")
	f.BoolVar(&o.Resume, "resume", true, "go on from where an interrupted pretraining of the same data and options stopped")
}

// parseFanOuts reads --fan-out-by-edge: name=numbers, one for each hop.
func parseFanOuts(list []string) (map[string][]int, error) {
	var out map[string][]int
	for _, text := range list {
		const hint = "write the foreign key and one number per hop: --fan-out-by-edge orders.customer_id=64,8"
		name, numbers, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usage(hint, "--fan-out-by-edge is %q, want TABLE.COLUMN=NUMBERS", text)
		}
		if _, twice := out[name]; twice {
			return nil, usage("", "--fan-out-by-edge names %s twice", name)
		}
		var fan []int
		for number := range strings.SplitSeq(numbers, ",") {
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 {
				return nil, usage(hint, "--fan-out-by-edge %s has %q, want a number from 0", name, number)
			}
			fan = append(fan, n)
		}
		if out == nil {
			out = map[string][]int{}
		}
		out[name] = fan
	}
	return out, nil
}
