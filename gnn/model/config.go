package model

import (
	"errors"
	"fmt"

	"github.com/rowlink/rowlink/gnn/conv"
)

// Config fixes the architecture of a model. The zero value of every field but
// Outputs stands for a default; see Complete.
type Config struct {
	Layer     string    `json:"layer"`       // name of a registered layer; default sage
	Aggregate string    `json:"aggregate"`   // how a layer reduces messages; default decay
	HalfLives []float64 `json:"half_lives"`  // days, of the decaying aggregator; default 2 and 16 horizons
	TimeScale []float64 `json:"time_scales"` // days, of the relative-time encoding; default 1/4 to 64 horizons
	Width     int       `json:"width"`       // channels; default 32
	FanOut    []int     `json:"fan_out"`     // neighbours per edge type, one per hop; default 32, 16
	Strategy  string    `json:"strategy"`    // which neighbours: latest (default) or uniform
	Dropout   float64   `json:"dropout"`     // share of channels dropped in training
	Outputs   int       `json:"outputs"`     // columns of the head, by the task type
}

// Complete fills zero fields with defaults; time scales follow the task's horizon.
func (c Config) Complete(horizonDays float64) Config {
	set := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	set(&c.Layer, "sage")
	set(&c.Aggregate, "decay")
	set(&c.Strategy, "latest")
	if c.Width == 0 {
		c.Width = 32
	}
	if len(c.FanOut) == 0 {
		c.FanOut = []int{32, 16}
	}
	if len(c.HalfLives) == 0 {
		c.HalfLives = []float64{2 * horizonDays, 16 * horizonDays}
	}
	if len(c.TimeScale) == 0 {
		for f := 0.25; f <= 64; f *= 4 {
			c.TimeScale = append(c.TimeScale, f*horizonDays)
		}
	}
	return c
}

func (c Config) validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.Width < 1, "width is %d, want at least 1", c.Width)
	fault(c.Outputs < 1, "outputs is %d, want at least 1", c.Outputs)
	fault(c.Dropout < 0 || c.Dropout >= 1, "dropout is %g, want 0 to less than 1", c.Dropout)
	for i, k := range c.FanOut {
		fault(k < 1, "fan_out of hop %d is %d, want at least 1", i+1, k)
	}
	for _, h := range append(c.HalfLives, c.TimeScale...) {
		fault(!(h > 0), "half-life of %g days, want more than 0", h)
	}
	return errors.Join(faults...)
}

// Layers lists the layers that a Config may name.
func Layers() []string { return conv.Names() }
