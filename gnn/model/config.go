package model

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rowlink/rowlink/graph/sample"
)

// Config fixes the architecture of a model. The zero value of every field but
// Outputs stands for a default; see Complete.
type Config struct {
	Layer     string    `json:"layer"`         // name of a registered layer; default sage
	Aggregate string    `json:"aggregate"`     // how a layer reduces messages; default decay
	HalfLives []float64 `json:"half_lives"`    // days, of the decaying aggregator; default 2 and 16 horizons
	TimeScale []float64 `json:"time_scales"`   // days, of the relative-time encoding; default 1/4 to 64 horizons
	Width     int       `json:"width"`         // channels; default 32
	Blocks    int       `json:"blocks"`        // residual blocks of a row encoder; default 1
	Plan      string    `json:"plan"`          // how the first layer is computed: factored or plain; default auto, which chooses by cost
	FanOut    []int     `json:"fan_out"`       // children per edge type, one number per hop, parents always; 0 = parents only; default 32, 16
	Strategy  string    `json:"strategy"`      // which neighbours: latest (default), uniform or recency
	Dropout   float64   `json:"dropout"`       // share of channels dropped in training
	IDs       []string  `json:"ids,omitempty"` // tables whose rows get vectors of their own; default none
	Outputs   int       `json:"outputs"`       // columns of the head, by the task type

	FanOutByEdge map[string][]int `json:"fan_out_by_edge,omitempty"` // instead of FanOut, by foreign key: TABLE.COLUMN; see sample.FanOutByEdge
	Window       float64          `json:"window,omitempty"`          // days: children this old or older are not read; 0 = of any age
	HalfLife     float64          `json:"half_life,omitempty"`       // days, of the strategy recency; default 4 horizons

	Layers int `json:"layers,omitempty"` // of scan: rounds of messages; default 1
	Hops   int `json:"hops,omitempty"`   // of scan: foreign keys from a row up to the entities that read it, at most; default 3
}

// staticDays stands in for the horizon of a target that has none.
const staticDays = 30

// Complete fills zero fields with defaults; time scales follow the task's horizon.
func (c Config) Complete(horizonDays float64) Config {
	if horizonDays <= 0 {
		horizonDays = staticDays
	}
	set := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	if c.Layer == Scan {
		return c.completeScan(horizonDays)
	}
	set(&c.Layer, "sage")
	set(&c.Aggregate, "decay")
	set(&c.Strategy, "latest")
	set(&c.Plan, PlanAuto)
	if c.Width == 0 {
		c.Width = 32
	}
	if c.Blocks == 0 {
		c.Blocks = 1
	}
	if len(c.FanOut) == 0 {
		c.FanOut = []int{32, 16}
	}
	if len(c.HalfLives) == 0 {
		c.HalfLives = []float64{2 * horizonDays, 16 * horizonDays}
	}
	if c.Strategy == "recency" && c.HalfLife == 0 {
		c.HalfLife = 4 * horizonDays
	}
	if len(c.TimeScale) == 0 {
		for f := 0.25; f <= 64; f *= 4 {
			c.TimeScale = append(c.TimeScale, f*horizonDays)
		}
	}
	return c
}

// Bounds of what a config may ask for; they also bound what a model file can make its
// reader allocate.
const maxWidth, maxBlocks, maxHops, maxScales = 4096, 64, 16, 64

// maxDays bounds ages: 10^8 days are 274 thousand years, and fit into 64 bits of microseconds.
const maxDays = 1e8

// validate lists all faults; unknown names of layers and aggregators are found when
// the layers are built.
func (c Config) validate() error {
	if c.Layer == Scan {
		return fmt.Errorf("layer %s has no sampled network", Scan)
	}
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.Width < 1 || c.Width > maxWidth, "width is %d, want 1 to %d", c.Width, maxWidth)
	fault(c.Blocks < 1 || c.Blocks > maxBlocks, "blocks is %d, want 1 to %d", c.Blocks, maxBlocks)
	fault(!slices.Contains(plans, c.Plan), "plan is %q, want one of %q", c.Plan, plans)
	fault(c.Layers != 0 || c.Hops != 0, "layers %d and hops %d are options of the layer %s", c.Layers, c.Hops, Scan)
	fault(c.Outputs < 1 || c.Outputs > maxWidth, "outputs is %d, want 1 to %d", c.Outputs, maxWidth)
	fault(!(c.Dropout >= 0 && c.Dropout < 1), "dropout is %g, want 0 to less than 1", c.Dropout)
	fault(len(c.FanOut) < 1 || len(c.FanOut) > maxHops, "fan_out has %d hops, want 1 to %d", len(c.FanOut), maxHops)
	for i, k := range c.FanOut {
		fault(k < 0 || i == 0 && k == 0, "fan_out of hop %d is %d, want at least 0, and at least 1 in the first hop", i+1, k)
	}
	fault(!slices.Contains(sample.Strategies(), c.Strategy), "strategy is %q, want one of %v", c.Strategy, sample.Strategies())
	for _, name := range slices.Sorted(maps.Keys(c.FanOutByEdge)) {
		fan := c.FanOutByEdge[name]
		fault(len(fan) != len(c.FanOut), "fan_out_by_edge of %q has %d hops, want %d as fan_out", name, len(fan), len(c.FanOut))
		for i, k := range fan {
			fault(k < 0, "fan_out_by_edge of %q is %d in hop %d, want at least 0", name, k, i+1)
		}
	}
	fault(!(c.Window >= 0 && c.Window <= maxDays), "window is %g days, want 0 (children of any age) to %g", c.Window, float64(maxDays))
	fault(!(c.HalfLife >= 0 && c.HalfLife <= maxDays) || c.Strategy == "recency" && !(c.HalfLife*dayMicros >= 1),
		"half_life is %g days, want more than 0 and at most %g", c.HalfLife, float64(maxDays))
	fault(len(c.HalfLives) > maxScales || len(c.TimeScale) > maxScales, "%d half-lives and %d time scales, want at most %d of each",
		len(c.HalfLives), len(c.TimeScale), maxScales)
	for _, days := range slices.Concat(c.HalfLives, c.TimeScale) {
		fault(!(days > 0), "half-life or time scale of %g days, want more than 0", days)
	}
	return errors.Join(faults...)
}
