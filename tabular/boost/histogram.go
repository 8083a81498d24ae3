package boost

// cell is the sum of rounded gradients and Hessians of one bin.
type cell struct{ g, h int64 }

// lanesBlock are the packed sums of eight columns over at most a block of rows: 16 KB,
// which stay in the first-level cache.
type lanesBlock [lanes][256]int64

// fetched is how many words are fetched before they are used: 2 KB. Fetching alone is so
// few instructions a row that the processor waits for many rows at once.
const fetched = 256

// accumulate adds the packed gradient of each row, in the order of rows, to the bins of its
// eight columns. rows nil means that words stand in that order, too.
func (b *lanesBlock) accumulate(words []uint64, rows []int32, word []int64) {
	if rows == nil {
		b.add(words, word)
		return
	}
	var near [fetched]uint64
	for len(rows) > 0 {
		n := min(len(rows), fetched)
		for i, r := range rows[:n] {
			near[i&(fetched-1)] = words[r]
		}
		b.add(near[:n], word[:n])
		rows, word = rows[n:], word[n:]
	}
}

// add is most of the time of a fit: eight loads, additions and stores a row.
func (b *lanesBlock) add(words []uint64, word []int64) {
	words = words[:len(word)]
	for i, g := range word {
		w := words[i]
		b[0][uint8(w)] += g
		b[1][uint8(w>>8)] += g
		b[2][uint8(w>>16)] += g
		b[3][uint8(w>>24)] += g
		b[4][uint8(w>>32)] += g
		b[5][uint8(w>>40)] += g
		b[6][uint8(w>>48)] += g
		b[7][w>>56] += g
	}
}

// drain adds the packed sums to the cells of a leaf and clears them.
func (b *lanesBlock) drain(p *packed, group int, to []cell) {
	lo, hi := p.group(group)
	for lane := range hi - lo {
		cells := to[p.offset[lo+lane]:p.offset[lo+lane+1]]
		sums := b[lane][:len(cells)]
		for i, v := range sums {
			cells[i].g += v >> 32
			cells[i].h += int64(uint32(v))
			sums[i] = 0
		}
	}
	for lane := hi - lo; lane < lanes; lane++ { // unused lanes all say bin 0
		b[lane][0] = 0
	}
}

// subtract leaves in the cells of a parent what one child does not hold: the other child.
func subtract(parent, child []cell) {
	child = child[:len(parent)]
	for i := range parent {
		parent[i].g -= child[i].g
		parent[i].h -= child[i].h
	}
}
