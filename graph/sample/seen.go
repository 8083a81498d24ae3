package sample

import "math/bits"

// A code names a copy within one block and table: the hop that found it in the upper
// bits, its position among the block's copies of that hop in the lower codeBits.
const codeBits = 28

// noCode stands where there is no copy. It is the bits of row number -1.
const noCode uint32 = 1<<32 - 1

// maxCopies bounds the copies of one block, hop and table; it keeps codes below noCode.
const maxCopies = 1<<codeBits - 1

func code(hop, i int) uint32 { return uint32(hop)<<codeBits | uint32(i) }

// seen finds the copy of a row of one table within one seed. Entries carry the number
// of the seed, so that a new seed empties it at no cost. A small table has one entry per
// row; for a large one it is an open-addressing table as large as the seed's subgraph.
type seen struct {
	direct []uint64 // by row: stamp in the upper half, code in the lower; nil for a large table
	slots  []slot
	shift  uint8 // 32 - log2 of the slots in use
	stamp  uint32
	count  int // slots in use that are taken
}

type slot struct {
	mark uint64 // stamp in the upper half, row in the lower
	code uint32
}

// directRows is the largest number of rows of a small table: 256 KiB of entries, of
// which only those of visible rows near the seed are ever touched.
const directRows = 1 << 15

// minSlots keeps the table of a small subgraph inside the first-level cache.
const minSlots = 1 << 8

// prepare makes s fit a table of that many rows.
func (s *seen) prepare(rows int) {
	switch {
	case rows > directRows:
		s.direct = nil
	case len(s.direct) < rows:
		s.direct = make([]uint64, rows)
		s.stamp = 0
	}
}

// clear forgets all rows. An open-addressing table is sized for as many as it held
// before: seeds that follow each other are of like size.
func (s *seen) clear() {
	if s.stamp++; s.stamp == 0 {
		clear(s.direct)
		clear(s.slots)
		s.stamp = 1
	}
	if s.direct == nil {
		s.resize(max(minSlots, 1<<bits.Len(uint(2*s.count))))
	}
}

// resize makes that many slots, a power of two, the ones in use, all of them free.
func (s *seen) resize(size int) {
	if size > len(s.slots) {
		s.slots = make([]slot, size)
	}
	s.shift = uint8(32 - bits.TrailingZeros(uint(size)))
	s.count = 0
}

func (s *seen) mark(row int32) uint64 { return uint64(s.stamp)<<32 | uint64(uint32(row)) }

// find returns the code of the row's copy, noCode when there is none.
func (s *seen) find(row int32) uint32 {
	if s.direct != nil {
		if e := s.direct[row]; uint32(e>>32) == s.stamp {
			return uint32(e)
		}
		return noCode
	}
	return s.probe(s.mark(row))
}

func (s *seen) probe(mark uint64) uint32 {
	slots := s.slots[:1<<(32-s.shift)]
	for i := s.home(mark); ; i++ {
		e := &slots[i&(len(slots)-1)]
		if e.mark == mark {
			return e.code
		}
		if uint32(e.mark>>32) != s.stamp {
			return noCode
		}
	}
}

// home is the slot where the search for a mark starts, by Fibonacci hashing.
func (s *seen) home(mark uint64) int { return int(uint32(mark) * 0x9e3779b1 >> s.shift) }

// put notes the copy of a row that has none.
func (s *seen) put(row int32, code uint32) {
	mark := s.mark(row)
	if s.direct != nil {
		s.direct[row] = mark&^(1<<32-1) | uint64(code)
		return
	}
	if s.count<<1 >= 1<<(32-s.shift) {
		s.grow()
		mark = s.mark(row)
	}
	s.insert(mark, code)
	s.count++
}

func (s *seen) insert(mark uint64, code uint32) {
	slots := s.slots[:1<<(32-s.shift)]
	for i := s.home(mark); ; i++ {
		if e := &slots[i&(len(slots)-1)]; uint32(e.mark>>32) != s.stamp {
			*e = slot{mark, code}
			return
		}
	}
}

// grow doubles the slots in use.
func (s *seen) grow() {
	old, stamp, count := s.slots[:1<<(32-s.shift)], s.stamp, s.count
	s.slots = make([]slot, 2*len(old))
	s.shift--
	for _, e := range old {
		if uint32(e.mark>>32) == stamp {
			s.insert(e.mark, e.code)
		}
	}
	s.count = count
}
