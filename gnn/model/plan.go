package model

import "github.com/rowlink/rowlink/gnn/conv"

// The ways to compute a first layer.
const (
	PlanAuto     = "auto"     // chosen by cost when training begins
	PlanFactored = "factored" // once per distinct row, age terms apart; see conv.RowLayer
	PlanPlain    = "plain"    // on the vectors of all copies
)

var plans = []string{PlanAuto, PlanFactored, PlanPlain}

// factored says whether the first layer takes its input as rows. It does not depend on
// the batch: both ways agree up to rounding only, and a seed's outputs must not depend
// on what else is in its batch.
func (m *Model) factored() bool {
	_, ok := m.layers[0].conv.(conv.RowLayer)
	return ok && m.Config.Plan != PlanPlain
}
