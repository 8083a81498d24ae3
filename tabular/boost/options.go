package boost

import (
	"errors"
	"fmt"
	"math"
	"runtime"
)

// Options configures [Fit]. The zero value is usable.
type Options struct {
	Objective    string  // name of a registered objective; "" means "l2"
	Rounds       int     // boosting rounds at most; 0 means 100
	LearningRate float64 // what a tree's values are multiplied by; 0 means 0.1
	MaxLeaves    int     // leaves per tree; 0 means 31
	MaxDepth     int     // splits from root to leaf; 0 means 64
	MaxBins      int     // bins per column beside the one of missing values; 0 means 255
	MinRows      int     // rows per leaf, at least; 0 means 20
	MinHessian   float64 // sum of Hessians per leaf, at least; 0 means 0.001
	L2           float64 // penalty on the squared values of leaves
	MinGain      float64 // gain of a split, more than

	Subsample  float64 // share of rows that a round sees; 0 means 1
	Colsample  float64 // share of columns that a tree sees; 0 means 1
	Seed       uint64  // of both samples and of rounding; equal seeds give equal models
	Threads    int     // 0 means all cores; changes no bit of the model
	Objectives ObjectiveOptions
	Categories CategoryOptions

	// Valid and Score stop early: training ends when Score has not improved on Valid for
	// Patience rounds, and the model keeps the rounds up to the best one.
	Valid    *Dataset
	Score    func(predicted []float64) float64 // of rows x outputs of Valid; more is better
	Patience int                               // 0 means 50
	OnRound  func(round int, score float64)    // is told each round; score is NaN without Valid
}

// ObjectiveOptions are read by those objectives that name them.
type ObjectiveOptions struct {
	Classes        int     // softmax: number of classes
	Quantile       float64 // quantile: which one; 0 means 0.5
	Delta          float64 // huber: where squares become straight; 0 means 1
	ScalePosWeight float64 // binary: weight of positives; 0 means 1
	MaxRank        int     // lambdarank: pairs have one row among the first MaxRank; 0 means 30
}

// CategoryOptions shape splits of categorical columns. The defaults are LightGBM's.
type CategoryOptions struct {
	Smooth   float64 // added to the Hessian when categories are ordered, and the fewest rows of a category that moves on its own; 0 means 10
	L2       float64 // added to the penalty; 0 means 10
	MaxSplit int     // categories on the side that is listed; 0 means 32
	MinRows  int     // rows between two candidates of a split; 0 means 100
	OneHot   int     // up to so many bins, one category against the rest; 0 means 4
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (o Options) withDefaults() Options {
	orDefault(&o.Objective, "l2")
	orDefault(&o.Rounds, 100)
	orDefault(&o.LearningRate, 0.1)
	orDefault(&o.MaxLeaves, 31)
	orDefault(&o.MaxDepth, maxDepth)
	orDefault(&o.MaxBins, 255)
	orDefault(&o.MinRows, 20)
	orDefault(&o.MinHessian, 1e-3)
	orDefault(&o.Subsample, 1)
	orDefault(&o.Colsample, 1)
	orDefault(&o.Threads, runtime.GOMAXPROCS(0))
	orDefault(&o.Patience, 50)
	orDefault(&o.Objectives.Quantile, 0.5)
	orDefault(&o.Objectives.Delta, 1)
	orDefault(&o.Objectives.ScalePosWeight, 1)
	orDefault(&o.Objectives.MaxRank, 30)
	orDefault(&o.Categories.Smooth, 10)
	orDefault(&o.Categories.L2, 10)
	orDefault(&o.Categories.MaxSplit, 32)
	orDefault(&o.Categories.MinRows, 100)
	orDefault(&o.Categories.OneHot, 4)
	return o
}

// validate joins every fault.
func (o Options) validate() error {
	var errs []error
	within := func(name string, v, low, high float64) {
		if !(v >= low && v <= high) {
			errs = append(errs, fmt.Errorf("%s is %v, want %v to %v", name, v, low, high))
		}
	}
	tiny := math.SmallestNonzeroFloat64
	within("Rounds", float64(o.Rounds), 1, maxTrees)
	within("LearningRate", o.LearningRate, tiny, 1)
	within("MaxLeaves", float64(o.MaxLeaves), 2, maxLeaves)
	within("MaxDepth", float64(o.MaxDepth), 1, maxDepth)
	within("MaxBins", float64(o.MaxBins), 2, 255)
	within("MinRows", float64(o.MinRows), 1, math.MaxInt32)
	within("MinHessian", o.MinHessian, tiny, math.MaxFloat64)
	within("L2", o.L2, 0, math.MaxFloat64)
	within("MinGain", o.MinGain, 0, math.MaxFloat64)
	within("Subsample", o.Subsample, tiny, 1)
	within("Colsample", o.Colsample, tiny, 1)
	within("Threads", float64(o.Threads), 1, 4096)
	within("Patience", float64(o.Patience), 1, math.MaxInt32)
	within("Objectives.Quantile", o.Objectives.Quantile, tiny, 1-1e-9)
	within("Objectives.Delta", o.Objectives.Delta, tiny, math.MaxFloat64)
	within("Objectives.ScalePosWeight", o.Objectives.ScalePosWeight, tiny, math.MaxFloat64)
	within("Objectives.MaxRank", float64(o.Objectives.MaxRank), 1, math.MaxInt32)
	within("Categories.Smooth", o.Categories.Smooth, tiny, math.MaxFloat64)
	within("Categories.L2", o.Categories.L2, 0, math.MaxFloat64)
	within("Categories.MaxSplit", float64(o.Categories.MaxSplit), 1, 255)
	within("Categories.MinRows", float64(o.Categories.MinRows), 1, math.MaxInt32)
	within("Categories.OneHot", float64(o.Categories.OneHot), 1, 255)
	if (o.Valid == nil) != (o.Score == nil) {
		errs = append(errs, errors.New("early stopping needs both Valid and Score"))
	}
	return errors.Join(errs...)
}
