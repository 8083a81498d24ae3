package sample

import (
	"math/bits"
	"slices"
)

type distinctScratch struct {
	keys, other []uint64 // of sorting
	marks       []uint64 // bitmap over the rows of the table
	ranks       []int32  // per word of it: marked rows in front
}

const (
	digitBits = 11  // 2^11 counters of 4 bytes stay in the first-level cache
	radixMin  = 256 // below this a comparison sort is faster than clearing counters
)

// distinct fills Distinct and CopyOf; rows is the number of rows of the table. Cost:
// linear in the copies, whatever the table: a bitmap, about four times as fast as
// sorting, is taken where it has at most two words per copy.
func (n *NodeSet) distinct(scratch *distinctScratch, rows int) {
	if words := (rows + 63) / 64; words <= 2*len(n.Rows) {
		n.distinctByBits(scratch, words)
	} else {
		n.distinctBySort(scratch, rows)
	}
}

func (n *NodeSet) distinctByBits(scratch *distinctScratch, words int) {
	marks, ranks := resize(scratch.marks, words), resize(scratch.ranks, words)
	scratch.marks, scratch.ranks = marks, ranks
	clear(marks)
	for _, row := range n.Rows {
		marks[row>>6] |= 1 << (row & 63)
	}
	n.Distinct = n.Distinct[:0]
	for w, word := range marks {
		ranks[w] = int32(len(n.Distinct))
		for ; word != 0; word &= word - 1 {
			n.Distinct = append(n.Distinct, int32(w<<6+bits.TrailingZeros64(word)))
		}
	}
	n.CopyOf = resize(n.CopyOf, len(n.Rows))
	for i, row := range n.Rows {
		before := marks[row>>6] & (1<<(row&63) - 1)
		n.CopyOf[i] = ranks[row>>6] + int32(bits.OnesCount64(before))
	}
}

func (n *NodeSet) distinctBySort(scratch *distinctScratch, rows int) {
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
