package bench

import (
	"context"
	"math"

	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/tasks"
)

// epochDetail is what a training tells beside its time.
type epochDetail struct {
	Loss       []float64 `json:"loss"` // per epoch, mean training loss in places
	Val        []float64 `json:"val"`  // per epoch, mean absolute error on validation
	Seeds      int       `json:"seeds"`
	Steps      int       `json:"steps"` // per epoch
	Parameters int       `json:"parameters"`
	Network    string    `json:"network"`
	PeakMB     float64   `json:"peak_mb"` // of the process since the case began
}

const batchSeeds = 512

func epochCase() Case {
	c := Case{Name: "epoch/driver-position", Unit: Seconds, Long: true,
		What: "one training pass over 7,453 seeds of rel-f1, batch 512, 128 channels, 128 and 64 neighbours, 2 layers, four-block row encoder"}
	c.measure = func(ctx context.Context, e Env) ([]Figure, error) { return c.epochs(ctx, e) }
	return c
}

// epochs trains with the reference pipeline's step size of 0.005 and its dropout of 0.2
// in the row encoder, without weight decay to speak of. Warm-up, cosine and clipping are
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
	if e.Epochs == 0 {
		e.Epochs = 3
	}
	if e.Steps == 0 {
		e.Steps = math.MaxInt / batchSeeds
	}
	r, err := train.Fit(ctx, train.Data{Graph: w.graph, Labels: w.labels}, train.Options{
		Model: reference(), Epochs: e.Epochs, Patience: e.Epochs, Batch: batchSeeds, Steps: e.Steps, Threads: e.Threads,
		Rate: 0.005, Dropout: 0.2, Decay: 1e-12, Seed: 1, NoHistory: true})
	if err != nil {
		return nil, err
	}
	d := epochDetail{Parameters: r.Model.Params.Count(), Network: r.Model.String(), PeakMB: peakMB()}
	var seconds []float64
	for _, ep := range r.Epochs {
		seconds = append(seconds, ep.Seconds)
		d.Loss = append(d.Loss, ep.Loss*scaling.Scale)
		d.Val = append(d.Val, ep.Val)
		d.Seeds, d.Steps = ep.Seeds, (ep.Seeds+batchSeeds-1)/batchSeeds
	}
	if len(seconds) > 1 {
		seconds = seconds[1:] // the first epoch grows the arenas; the peers' first is left out too
	}
	f := newFigure(c, e.Threads, seconds...)
	f.Detail = d
	memory := newFigure(Case{Name: "memory/driver-position", What: "peak memory of the process that trained it", Unit: Memory}, e.Threads, d.PeakMB)
	return []Figure{f, memory}, nil
}
