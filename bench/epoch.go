package bench

import (
	"cmp"
	"context"
	"math"

	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/tasks"
)

// epochDetail is what trainings tell beside their time. Losses and validation errors are
// in places: per training, one for each seed, and per epoch.
type epochDetail struct {
	Losses     [][]float64 `json:"losses"` // mean training loss
	Vals       [][]float64 `json:"vals"`   // mean absolute error on validation
	Seeds      int         `json:"seeds"`  // examples of an epoch
	Steps      int         `json:"steps"`  // per epoch
	Parameters int         `json:"parameters"`
	Network    string      `json:"network"`
	PeakMB     float64     `json:"peak_mb"` // of the process since the case began
}

const batchSeeds = 512

func epochCase() Case {
	c := Case{Name: "epoch/driver-position", Unit: Seconds, Long: true,
		What: "one training pass over 7,453 seeds of rel-f1, batch 512, 128 channels, 128 and 64 neighbours, 2 layers, four-block row encoder"}
	c.measure = func(ctx context.Context, e Env) ([]Figure, error) { return c.epochs(ctx, e) }
	return c
}

// epochs trains as the reference pipeline does: a constant step size of 0.005, its
// dropout of 0.2 in the row encoder, no weight decay to speak of, no limit to the
// gradient. The head, with its age and season of the anchor, and the scaled target are
// those of any training here.
func (c Case) epochs(ctx context.Context, e Env) ([]Figure, error) {
	w, err := loadWorld()
	if err != nil {
		return nil, err
	}
	scaling, err := tasks.FitScaling(w.labels)
	if err != nil {
		return nil, err
	}
	resetPeak()
	opt := train.Options{Model: reference(), Epochs: cmp.Or(e.Epochs, 3), Batch: batchSeeds, Steps: cmp.Or(e.Steps, math.MaxInt/batchSeeds),
		Threads: e.Threads, Rate: 0.005, Schedule: "constant", Clip: -1, Dropout: 0.2, Decay: 1e-12, NoHistory: true}
	opt.Patience = opt.Epochs
	d := epochDetail{}
	var seconds []float64
	for seed := range max(1, e.Seeds) {
		opt.Seed = uint64(seed) + 1
		r, err := train.Fit(ctx, train.Data{Graph: w.graph, Labels: w.labels}, opt)
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, d.add(r, scaling)...)
	}
	d.PeakMB = peakMB()
	f := newFigure(c, e.Threads, seconds...)
	f.Detail = d
	memory := newFigure(Case{Name: "memory/driver-position", What: "peak memory of the process that trained it", Unit: Memory}, e.Threads, d.PeakMB)
	return []Figure{f, memory}, nil
}

// add takes in a training and returns the seconds of its epochs, but for the first where
// there are others: it grows the arenas, and the peers' first is left out too.
func (d *epochDetail) add(r *train.Result, scaling *tasks.Scaling) []float64 {
	d.Parameters, d.Network = r.Model.Parameters(), r.Model.String()
	var seconds, loss, val []float64
	for _, e := range r.Epochs {
		seconds, loss, val = append(seconds, e.Seconds), append(loss, e.Loss*scaling.Scale), append(val, e.Val)
		d.Seeds, d.Steps = e.Seeds, (e.Seeds+batchSeeds-1)/batchSeeds
	}
	d.Losses, d.Vals = append(d.Losses, loss), append(d.Vals, val)
	return seconds[min(1, len(seconds)-1):]
}
