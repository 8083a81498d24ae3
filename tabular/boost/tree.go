package boost

import (
	"math"
)

// Limits of a model: what Fit may be asked for and what a stored model may hold.
const (
	maxTrees   = 200_000
	maxLeaves  = 1 << 16
	maxDepth   = 64
	maxOutputs = 10_000
)

// Node is an inner node of a tree. A child below 0 is the leaf of position ^child.
type Node struct {
	Feature     int
	Threshold   float64 // numbers up to it go left
	Set         *binSet // of a category: the bins that go left
	MissingLeft bool    // numbers only; of a category bin 0 of Set says it
	Left, Right int32
	Gain        float64 // fall of twice the loss
	Rows        int     // training rows

	bin uint8 // of numbers while it is trained: bins up to this one go left
}

// Leaf is an end of a tree.
type Leaf struct {
	Value float64
	Rows  int // training rows
}

// Tree is a tree of at least one leaf. Node 0 is the root and children come after their
// parents; without nodes the only leaf is the root.
type Tree struct {
	Nodes  []Node
	Leaves []Leaf
}

// goesLeft says where a value goes.
func (n *Node) goesLeft(v float64, features []Feature) bool {
	if n.Set != nil {
		return n.Set.has(features[n.Feature].bin(v))
	}
	if v != v {
		return n.MissingLeft
	}
	return v <= n.Threshold
}

// leaf is the position of the leaf of a row of finite values and NaN.
func (t *Tree) leaf(row []float64, features []Feature) int {
	if len(t.Nodes) == 0 {
		return 0
	}
	at := int32(0)
	for at >= 0 {
		n := &t.Nodes[at]
		at = n.Right
		if n.goesLeft(row[n.Feature], features) {
			at = n.Left
		}
	}
	return int(^at)
}

// leafOf is the position of the leaf of a row whose bins stand in columns.
func (t *Tree) leafOf(codes [][]uint8, row int) int {
	if len(t.Nodes) == 0 {
		return 0
	}
	at := int32(0)
	for at >= 0 {
		n := &t.Nodes[at]
		left := n.MissingLeft
		if bin := codes[n.Feature][row]; n.Set != nil {
			left = n.Set.has(bin)
		} else if bin > 0 {
			left = bin <= n.bin
		}
		at = n.Right
		if left {
			at = n.Left
		}
	}
	return int(^at)
}

// split adds the inner node of a split and hangs it below its parent.
func (t *Tree) split(g *grower, l *leaf, s *split, mid int) int32 {
	feature := g.packed.features[s.position]
	n := Node{Feature: feature, Gain: s.gain, Rows: l.size(), MissingLeft: s.missingLeft}
	missing := l.histogram[g.packed.offset[s.position]]
	none := missing.g == 0 && missing.h == 0 // nothing learned: they follow the most
	switch mostLeft := 2*(mid-l.lo) >= l.size(); {
	case s.left != nil:
		set := *s.left
		if none && mostLeft {
			set.add(0)
		}
		n.Set, n.MissingLeft = &set, false
	default:
		n.bin, n.Threshold = s.bin, g.threshold(feature, s.bin)
		if none {
			n.MissingLeft = mostLeft
		}
	}
	at := int32(len(t.Nodes))
	t.Nodes = append(t.Nodes, n)
	if l.parent >= 0 {
		if p := &t.Nodes[l.parent]; l.isRight {
			p.Right = at
		} else {
			p.Left = at
		}
	}
	return at
}

// threshold is the largest number of a bin; that of the last bin is beyond all numbers.
func (g *grower) threshold(feature int, bin uint8) float64 {
	if cuts := g.table[feature].Cuts; int(bin) <= len(cuts) {
		return cuts[bin-1]
	}
	return math.MaxFloat64
}

// depth is the largest number of splits above a leaf.
func (t *Tree) depth() int {
	if len(t.Nodes) == 0 {
		return 0
	}
	deepest := 0
	at := make([]int, len(t.Nodes))
	for i, n := range t.Nodes {
		for _, c := range [2]int32{n.Left, n.Right} {
			if c >= 0 {
				at[c] = at[i] + 1
			}
		}
		deepest = max(deepest, at[i]+1)
	}
	return deepest
}
