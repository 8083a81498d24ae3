package model

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/graph"
)

// Network is a trained network as training hands it over, whatever it is made of: a
// [Model] of sampled layers, or the states of package scan.
type Network interface {
	fmt.Stringer
	Write(w io.Writer) error // as one file
	WeightsHash() string     // equal for equal bits of all parameters
	Parameters() int         // trained numbers
	About() *Metadata
	Options() Config
}

// BoundNetwork is a network together with the rows of one snapshot.
type BoundNetwork interface {
	Network
	Over() *graph.Graph
}

var _ BoundNetwork = (*Bound)(nil)

// Parameters implements [Network].
func (m *Model) Parameters() int { return m.Params.Count() }

// About implements [Network].
func (m *Model) About() *Metadata { return &m.Meta }

// Options implements [Network].
func (m *Model) Options() Config { return m.Config }

// Over implements [BoundNetwork].
func (b *Bound) Over() *graph.Graph { return b.Graph }

// Scan is the name of the layer that is no sampled one; see package scan.
const Scan = "scan"

// Layers lists the layers that a Config may name.
func Layers() []string {
	names := append(conv.Names(), Scan)
	slices.Sort(names)
	return names
}

// completeScan is [Config.Complete] for the layer scan.
func (c Config) completeScan(horizonDays float64) Config {
	if c.Width == 0 {
		c.Width = 12
	}
	if c.Layers == 0 {
		c.Layers = 1
	}
	if c.Hops == 0 {
		c.Hops = 3
	}
	if len(c.HalfLives) == 0 {
		c.HalfLives = []float64{horizonDays, 12 * horizonDays}
	}
	return c
}

// ValidateScan lists all faults of a complete config of the layer scan.
func (c Config) ValidateScan() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(c.Layer != Scan, "layer is %q, want %q", c.Layer, Scan)
	fault(c.Width < 1 || c.Width > maxWidth, "width is %d, want 1 to %d", c.Width, maxWidth)
	fault(c.Outputs < 1 || c.Outputs > maxWidth, "outputs is %d, want 1 to %d", c.Outputs, maxWidth)
	fault(c.Layers < 1 || c.Layers > maxScanLayers, "layers is %d, want 1 to %d", c.Layers, maxScanLayers)
	fault(c.Hops < 1 || c.Hops > maxScanHops, "hops is %d, want 1 to %d", c.Hops, maxScanHops)
	fault(!(c.Dropout >= 0 && c.Dropout < 1), "dropout is %g, want 0 to less than 1", c.Dropout)
	fault(len(c.HalfLives) < 1 || len(c.HalfLives) > maxScales, "%d half-lives, want 1 to %d", len(c.HalfLives), maxScales)
	for _, days := range c.HalfLives {
		fault(!(days > 0 && days <= maxDays), "half-life of %g days, want more than 0 and at most %g", days, float64(maxDays))
	}
	sampled := c.Aggregate != "" || c.Strategy != "" || c.Plan != "" || c.Blocks != 0 || c.Window != 0 || c.HalfLife != 0 ||
		len(c.TimeScale)+len(c.FanOut)+len(c.IDs)+len(c.FanOutByEdge) > 0
	fault(sampled, "aggregate, strategy, plan, blocks, window, half_life, time_scales, fan_out and ids are options of sampled layers, and %s samples nothing", Scan)
	return errors.Join(faults...)
}

// Bounds of what a config of scan may ask for.
const maxScanLayers, maxScanHops = 4, 6
