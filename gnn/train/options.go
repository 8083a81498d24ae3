// Package train owns the way from labels to parameters: the loop over seeds, the
// choice of the best epoch on validation, checkpoints and resuming.
package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rowlink/rowlink/gnn/model"
)

// Options configures [Fit]. The zero value is usable.
type Options struct {
	Model      model.Config
	Epochs     int           // most passes over the training seeds; 0 means 20, of the layer scan 60
	Patience   int           // epochs without a better validation metric before it stops; 0 means 6, of the layer scan 30
	Batch      int           // seeds per step; 0 means 256
	Steps      int           // most steps per epoch; 0 means 400
	Rate       float64       // step size of AdamW; 0 means 0.002, of the layer scan 0.005
	Decay      float64       // decoupled weight decay; 0 means 0.01
	Average    float64       // what is kept is a running mean of the parameters, of which each step keeps this share; 0 means 0.99, of the layer scan 0.9, less means none
	Dropout    float64       // share of channels dropped in training; 0 means 0.1, less means none
	Clip       float64       // largest norm of the gradient; 0 means 5, less means no limit
	Schedule   string        // of the step size, one of [Schedules]; empty means "cosine"
	Seed       uint64        // equal seeds give equal models
	Threads    int           // 0 means all cores; the result does not depend on it
	Recent     int           // the layer scan learns from so many examples, the youngest; negative means all, 0 what validation prefers: see [fitEras]
	NoHistory  bool          // leaves the task's own closed labels out of the graph
	Stale      bool          // reads training seeds at an artificially stale cut, as the frozen regime does; where validation is frozen both are tried
	TimeLimit  time.Duration // stops after the epoch that passes it; 0 means none
	Memory     int64         // bytes that the layer scan may take by a rough count; 0 means any
	Checkpoint string        // file that holds the state after each epoch; empty = none
	Resume     bool          // continues from Checkpoint when it is there
	// Refit trains on training and validation examples together, for this many epochs and
	// without validation, at the step sizes that a training of Epochs epochs begins with;
	// 0 means an ordinary training. See [Refit].
	Refit int
	// Shuffle trains on labels shuffled among the training examples: a check that a
	// model finds nothing where nothing is.
	Shuffle bool
	// OnEpoch, if set, is told each epoch's figures.
	OnEpoch func(Epoch)
	// OnStep, if set, is told the seeds done of the seeds of this epoch.
	OnStep func(epoch, done, total int)
}

// Epoch holds the figures of one pass.
type Epoch struct {
	Number  int     `json:"epoch"` // from 1
	Loss    float64 `json:"loss"`  // mean training loss
	Val     float64 `json:"val"`   // validation metric; NaN where it is not defined, in JSON null
	Best    bool    `json:"best"`
	Seconds float64 `json:"seconds"` // training only, without validation
	Seeds   int     `json:"seeds"`
}

// epochJSON is the stored form of an [Epoch].
type epochJSON struct {
	plainEpoch
	Val *float64 `json:"val"`
}

type plainEpoch Epoch

// MarshalJSON writes a metric that is not defined as null.
func (e Epoch) MarshalJSON() ([]byte, error) {
	out := epochJSON{plainEpoch: plainEpoch(e)}
	if !math.IsNaN(e.Val) && !math.IsInf(e.Val, 0) {
		out.Val = &e.Val
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Epoch) UnmarshalJSON(data []byte) error {
	var in epochJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*e = Epoch(in.plainEpoch)
	if e.Val = math.NaN(); in.Val != nil {
		e.Val = *in.Val
	}
	return nil
}

func (o Options) withDefaults() Options {
	epochs, patience, rate, average := 20, 6, 0.002, 0.99
	if o.Model.Layer == model.Scan { // an epoch is one step
		epochs, patience, rate, average = 60, 30, 0.005, 0.9
	}
	if o.Epochs == 0 {
		o.Epochs = epochs
	}
	if o.Patience == 0 {
		o.Patience = patience
	}
	if o.Batch == 0 {
		o.Batch = 256
	}
	if o.Steps == 0 {
		o.Steps = 400
	}
	if o.Rate == 0 {
		o.Rate = rate
	}
	if o.Decay == 0 {
		o.Decay = 0.01
	}
	if o.Average == 0 {
		o.Average = average
	}
	switch {
	case o.Dropout == 0:
		o.Model.Dropout = 0.1
	case o.Dropout > 0:
		o.Model.Dropout = o.Dropout
	}
	if o.Clip == 0 {
		o.Clip = 5
	}
	if o.Schedule == "" {
		o.Schedule = "cosine"
	}
	return o
}

func (o Options) validate() error {
	var faults []error
	for _, n := range []struct {
		name  string
		value int
	}{{"Epochs", o.Epochs}, {"Patience", o.Patience}, {"Batch", o.Batch}, {"Steps", o.Steps}} {
		if n.value < 1 {
			faults = append(faults, fmt.Errorf("%s is %d, want at least 1", n.name, n.value))
		}
	}
	if o.Rate <= 0 || o.Decay < 0 {
		faults = append(faults, fmt.Errorf("rate %g, decay %g: want more than 0, at least 0", o.Rate, o.Decay))
	}
	if o.Average >= 1 {
		faults = append(faults, fmt.Errorf("average is %g, want less than 1", o.Average))
	}
	if _, err := schedules.Get(o.Schedule); err != nil {
		faults = append(faults, err)
	}
	if o.Refit < 0 || o.Refit > o.Epochs {
		faults = append(faults, fmt.Errorf("refit is %d epochs, want 0 to %d", o.Refit, o.Epochs))
	}
	if o.Threads < 0 {
		faults = append(faults, fmt.Errorf("threads is %d, want 0 for all cores or more", o.Threads))
	}
	return errors.Join(faults...)
}
