package sample

import (
	"math/bits"
	"slices"
)

func init() { strategies.Add("uniform", uniform{}) }

// uniform reads visible children drawn without replacement, each set of Want equally
// likely, by Floyd's method (Bentley and Floyd, CACM 30(9), 1987). Cost: O(Want)
// whatever the degree, and O(Want log Want) for lists 64 times longer than Want.
type uniform struct{}

var _ Strategy = uniform{}

func (uniform) Pick(c *Choice, out []int32) []int32 {
	switch {
	case c.N <= c.Want:
		return run(out, 0, c.N)
	case c.N <= 64*c.Want:
		return c.floydBits(out)
	default:
		return c.floydSlots(out)
	}
}

// floydBits keeps the drawn positions as bits, at most one word per wanted child,
// which also puts them in order.
func (c *Choice) floydBits(out []int32) []int32 {
	words := (c.N + 63) / 64
	c.marks = slices.Grow(c.marks[:0], words)[:words]
	clear(c.marks)
	for i := range c.Want {
		j := uint64(c.N - c.Want + i)
		at := c.Draws.Below(uint64(i), j+1)
		if c.marks[at/64]&(1<<(at%64)) != 0 {
			at = j
		}
		c.marks[at/64] |= 1 << (at % 64)
	}
	for w, word := range c.marks {
		for ; word != 0; word &= word - 1 {
			out = append(out, int32(w*64+bits.TrailingZeros64(word)))
		}
	}
	return out
}

// floydSlots keeps the drawn positions in a hash set of at most four slots per
// wanted child.
func (c *Choice) floydSlots(out []int32) []int32 {
	c.clearSlots()
	first := len(out)
	for i := range c.Want {
		j := uint64(c.N - c.Want + i)
		at := int32(c.Draws.Below(uint64(i), j+1))
		if !c.add(at) {
			at = int32(j)
			c.add(at)
		}
		out = append(out, at)
	}
	slices.Sort(out[first:])
	return out
}

// clearSlots makes the hash set empty, with room for Want positions.
func (c *Choice) clearSlots() {
	c.slots = resize(c.slots, 1<<bits.Len(uint(2*c.Want)))
	fill(c.slots, -1)
}

// add reports whether at was not in the hash set, and puts it there.
func (c *Choice) add(at int32) bool {
	mask := uint32(len(c.slots) - 1)
	for i := uint32(at) * 0x9e3779b1 >> 7 & mask; ; i = (i + 1) & mask {
		switch c.slots[i] {
		case -1:
			c.slots[i] = at
			return true
		case at:
			return false
		}
	}
}
