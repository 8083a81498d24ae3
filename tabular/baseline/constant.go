package baseline

import "context"

func init() {
	makers.Add("constant", maker{0, fitConstant, func() Baseline { return &Constant{} }})
}

// Constant predicts the same for everybody: the share of positives, the median, or
// the class shares of the training labels.
type Constant struct{ Value []float64 }

func fitConstant(_ context.Context, f *Fit) (Baseline, error) {
	return &Constant{prior(f.Data, f.Train.Label)}, nil
}

// Attach has nothing to attach.
func (*Constant) Attach(*Data) error { return nil }

// Setting is empty.
func (*Constant) Setting() string { return "" }

// Predict repeats the constant.
func (c *Constant) Predict(_ context.Context, queries []Query) ([]float64, error) {
	out := make([]float64, 0, len(queries)*len(c.Value))
	for range queries {
		out = append(out, c.Value...)
	}
	return out, nil
}
