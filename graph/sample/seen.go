package sample

import "math/bits"

// A code names a copy within one seed and table: the hop that found it in the upper
// bits, its position among the copies of that hop in the lower codeBits.
const codeBits = 28

func code(hop, i int) uint32 { return uint32(hop)<<codeBits | uint32(i) }

// seen finds the copy of a row within one seed: an open-addressing table whose
// entries carry the number of the seed, so that a new seed empties it at no cost. It
// is as large as the subgraph of a seed, not as the tables of the snapshot.
type seen struct {
	slots []slot
	shift uint8 // 64 - log2 of the slots in use
	stamp uint32
	count int
}

type slot struct {
	key   uint64 // table and row
	stamp uint32
	code  uint32
}

func slotKey(table int, row int32) uint64 { return uint64(table)<<32 | uint64(uint32(row)) }

// minSlots keeps the table of a small subgraph inside the first-level cache.
const minSlots = 1 << 9

// clear empties the table and sizes it for as many copies as it held before: seeds
// that follow each other are of like size.
func (s *seen) clear() {
	s.resize(max(minSlots, 1<<bits.Len(uint(2*s.count))))
}

func (s *seen) resize(size int) {
	if size > len(s.slots) {
		s.slots, s.stamp = make([]slot, size), 0
	}
	if s.stamp++; s.stamp == 0 {
		clear(s.slots)
		s.stamp = 1
	}
	s.shift = uint8(64 - bits.TrailingZeros(uint(size)))
	s.count = 0
}

// find returns the slot of key, or the free slot where it belongs.
func (s *seen) find(key uint64) *slot {
	mask := uint64(1)<<(64-s.shift) - 1
	slots := s.slots[:mask+1]
	for i := key * golden >> s.shift; ; i = (i + 1) & mask {
		if e := &slots[i&mask]; e.key == key || e.stamp != s.stamp {
			return e
		}
	}
}

func (s *seen) holds(e *slot) bool { return e.stamp == s.stamp }

func (s *seen) put(e *slot, key uint64, code uint32) {
	*e = slot{key, s.stamp, code}
	s.count++
}

// full reports whether more than half of the slots in use are taken.
func (s *seen) full() bool { return s.count<<1 > 1<<(64-s.shift) }
