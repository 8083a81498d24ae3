package ingest

// tally counts how often 64-bit codes occur: a table of open addressing, which costs a
// third of a map. It has no limit of its own.
type tally struct {
	slots  []int32 // number of an entry + 1; 0 = free. The length is a power of two
	codes  []uint64
	counts []int
	first  []int32 // the row in which an entry was seen first
}

func newTally() *tally { return &tally{slots: make([]int32, 1<<10)} }

// add counts a code of row. Where codes are hashes, same tells whether an entry's first row
// really has the same value; nil = equal codes are equal values.
func (t *tally) add(code uint64, row int32, same func(row int32) bool) {
	for i := mix(code) & uint64(len(t.slots)-1); ; i = (i + 1) & uint64(len(t.slots)-1) {
		e := t.slots[i] - 1
		if e < 0 {
			t.enter(i, code, row)
			return
		}
		if t.codes[e] == code && (same == nil || same(t.first[e])) {
			t.counts[e]++
			return
		}
	}
}

func (t *tally) enter(slot uint64, code uint64, row int32) {
	t.codes, t.counts, t.first = append(t.codes, code), append(t.counts, 1), append(t.first, row)
	t.slots[slot] = int32(len(t.codes))
	if 2*len(t.codes) < len(t.slots) {
		return
	}
	t.slots = make([]int32, 2*len(t.slots))
	for e, code := range t.codes {
		i := mix(code) & uint64(len(t.slots)-1)
		for t.slots[i] != 0 {
			i = (i + 1) & uint64(len(t.slots)-1)
		}
		t.slots[i] = int32(e) + 1
	}
}

// different is the number of entries.
func (t *tally) different() int { return len(t.codes) }
