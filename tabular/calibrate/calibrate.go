// Package calibrate owns what makes answers honest: maps that turn scores into
// probabilities which come true as often as they say, and intervals that hold the truth
// as often as they promise. Both are learned from answers to validation examples only.
package calibrate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// Kind is how a map is shaped.
type Kind string

// The kinds of maps.
const (
	// Identity leaves probabilities as they are.
	Identity Kind = "none"
	// Platt moves and stretches log odds: two numbers (Platt, 1999).
	Platt Kind = "platt"
	// Isotonic is the closest map that never falls (Zadrozny and Elkan, 2002).
	Isotonic Kind = "isotonic"
)

// Map turns one probability into another and never changes the order of two.
type Map struct {
	Kind  Kind    `json:"kind"`
	Slope float64 `json:"slope,omitempty"` // Platt: of the log odds, above 0
	Shift float64 `json:"shift,omitempty"` // Platt: added to them
	// Isotonic: knots between which the map is linear; From ascends, To does not fall.
	From []float64 `json:"from,omitempty"`
	To   []float64 `json:"to,omitempty"`
}

// leastProbability bounds probabilities before a logarithm; so near to 0 and 1 that no two
// scores that a network tells apart become equal.
const leastProbability = 1e-12

// keepOrder is the share of an isotonic answer that is the score itself: where the map is
// flat two scores keep their order, and no answer is exactly 0 or 1.
const keepOrder = 0.01

// At maps one probability.
func (m *Map) At(p float64) float64 {
	switch m.Kind {
	case Platt:
		return 1 / (1 + math.Exp(-m.Slope*logOdds(p)-m.Shift))
	case Isotonic:
		return (1-keepOrder)*between(m.From, m.To, p) + keepOrder*p
	}
	return p
}

func logOdds(p float64) float64 {
	p = min(max(p, leastProbability), 1-leastProbability)
	return math.Log(p) - math.Log1p(-p)
}

// between reads a line through knots at x; before the first and after the last it is flat.
func between(from, to []float64, x float64) float64 {
	hi := 0
	for hi < len(from) && from[hi] < x {
		hi++
	}
	switch {
	case hi == 0:
		return to[0]
	case hi == len(from):
		return to[hi-1]
	}
	at := (x - from[hi-1]) / (from[hi] - from[hi-1])
	return to[hi-1] + at*(to[hi]-to[hi-1])
}

func (m *Map) check() error {
	switch m.Kind {
	case Identity:
		return nil
	case Platt:
		if !(m.Slope > 0) || math.IsInf(m.Slope, 0) || math.IsNaN(m.Shift) || math.IsInf(m.Shift, 0) {
			return fmt.Errorf("a Platt map with slope %g and shift %g, want a slope above 0", m.Slope, m.Shift)
		}
		return nil
	case Isotonic:
		return checkKnots(m.From, m.To)
	}
	return fmt.Errorf("a calibration by %q, want %q, %q or %q", m.Kind, Identity, Platt, Isotonic)
}

func checkKnots(from, to []float64) error {
	if len(from) == 0 || len(from) != len(to) {
		return fmt.Errorf("a map of %d knots with %d values", len(from), len(to))
	}
	for i := range from {
		if !(to[i] >= 0 && to[i] <= 1) || i > 0 && (!(from[i] > from[i-1]) || !(to[i] >= to[i-1])) {
			return errors.New("a map's knots must ascend, and its values must lie between 0 and 1 and not fall")
		}
	}
	return nil
}

// Calibration maps the probabilities of a task: of the one event, or of each class, which
// are made to add up to 1 again.
type Calibration struct {
	Kind Kind  `json:"kind"`
	Maps []Map `json:"maps"` // one, or one per class
	// Gain is by how much the log loss falls on anchors that the map did not see, and
	// Error the standard error of that, over anchors.
	Gain  float64 `json:"gain"`
	Error float64 `json:"error"`
}

// Apply returns the calibrated probabilities of examples x classes. Each answer depends
// on the answer to its own example alone.
func (c *Calibration) Apply(scores []float64) []float64 {
	k := len(c.Maps)
	out := make([]float64, len(scores))
	for i, p := range scores {
		out[i] = c.Maps[i%k].At(p)
	}
	if k > 1 && c.Kind != Identity {
		for lo := 0; lo < len(out); lo += k {
			normalise(out[lo : lo+k])
		}
	}
	return out
}

// normalise makes probabilities add up to 1; where all are 0 they become equal.
func normalise(row []float64) {
	total := 0.0
	for _, v := range row {
		total += v
	}
	for i := range row {
		if total > 0 {
			row[i] /= total
			continue
		}
		row[i] = 1 / float64(len(row))
	}
}

// Check refuses a calibration of so many numbers per example that cannot be computed, as
// one read from a file may be.
func (c *Calibration) Check(width int) error {
	if len(c.Maps) != width {
		return fmt.Errorf("a calibration of %d maps for %d probabilities per example", len(c.Maps), width)
	}
	for i := range c.Maps {
		if c.Maps[i].Kind != c.Kind {
			return fmt.Errorf("a calibration by %q with a map by %q", c.Kind, c.Maps[i].Kind)
		}
		if err := c.Maps[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// UnmarshalJSON refuses fields that it does not know: a map of a later version must not be
// read as another one.
func (c *Calibration) UnmarshalJSON(data []byte) error {
	type plain Calibration
	return strict(data, (*plain)(c), "calibration")
}

func strict(data []byte, into any, what string) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}
