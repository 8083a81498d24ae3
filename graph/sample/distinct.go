package sample

import (
	"math/bits"
	"slices"
)

type distinctScratch struct{ keys, other []uint64 }

const (
	digitBits = 11  // 2^11 counters of 4 bytes stay in the first-level cache
	radixMin  = 256 // below this a comparison sort is faster than clearing counters
)

// distinct fills Distinct and CopyOf; rows is the number of rows of the table.
func (n *NodeSet) distinct(scratch *distinctScratch, rows int) {
	keys := resize(scratch.keys, len(n.Rows))
	for i, row := range n.Rows {
		keys[i] = uint64(row)<<32 | uint64(i)
	}
	scratch.keys, scratch.other = byRow(keys, resize(scratch.other, len(keys)), rows)
	n.CopyOf, n.Distinct = resize(n.CopyOf, len(n.Rows)), n.Distinct[:0]
	for _, k := range scratch.keys {
		row := int32(k >> 32)
		if last := len(n.Distinct) - 1; last < 0 || n.Distinct[last] != row {
			n.Distinct = append(n.Distinct, row)
		}
		n.CopyOf[uint32(k)] = int32(len(n.Distinct) - 1)
	}
}

// byRow sorts keys, which ascend in their lower halves, by their upper halves, which
// are below rows. It returns the sorted keys and the scratch, in either of the two
// slices.
func byRow(keys, other []uint64, rows int) (sorted, scratch []uint64) {
	if len(keys) < radixMin {
		slices.Sort(keys)
		return keys, other
	}
	for shift := 32; shift < 32+bits.Len(uint(rows-1)); shift += digitBits {
		var starts [1 << digitBits]uint32
		for _, k := range keys {
			starts[k>>shift%(1<<digitBits)]++
		}
		sum := uint32(0)
		for d, c := range starts {
			starts[d] = sum
			sum += c
		}
		for _, k := range keys {
			d := k >> shift % (1 << digitBits)
			other[starts[d]] = k
			starts[d]++
		}
		keys, other = other, keys
	}
	return keys, other
}
