package sample

import (
	"github.com/rowlink/rowlink/internal/registry"
)

// Strategy chooses which of the visible children of a row are read. A new one is one
// file that registers itself. It must be stateless.
type Strategy interface {
	// Pick appends c.Want distinct positions in [0, c.N), ascending, to out; c.Want is
	// less than c.N.
	// It may look at positions, times and draws only, so that its choice depends
	// on nothing that the seed may not see.
	Pick(c *Choice, out []int32) []int32
}

// drawless is a Strategy that makes no use of Draws, which need not be set for it.
type drawless interface{ drawless() }

// checked is a Strategy that needs options of its own.
type checked interface{ check(o *Options) error }

// Choice is what a Strategy chooses from: N visible children in time order, oldest
// first, ties by row number.
type Choice struct {
	N     int     // children
	Want  int     // most to choose
	Times []int64 // since when each is known; nil when they have no time
	At    int64   // moment of the seed
	Draws Stream  // random numbers of this choice

	HalfLife int64 // microseconds, of the strategy "recency"

	marks []uint64 // scratch
	slots []int32  // scratch
	heap  []ring   // scratch
}

var strategies = registry.New[Strategy]("sampling strategy")

// Strategies returns the names of all sampling strategies in order.
func Strategies() []string { return strategies.Names() }

// run appends the positions lo to hi-1.
func run(out []int32, lo, hi int) []int32 {
	for i := lo; i < hi; i++ {
		out = append(out, int32(i))
	}
	return out
}
