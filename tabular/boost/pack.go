package boost

// lanes is how many columns share a word.
const lanes = 8

// packed holds the bins of some columns, eight columns to a word of each row, so that a
// row that stands anywhere in memory is fetched once for all eight.
type packed struct {
	features []int      // feature at each position
	bins     []int      // at each position
	offset   []int      // of each position in a leaf's histogram, and the end
	words    [][]uint64 // per eight positions: rows
}

// pack lays the columns of the given features side by side. It reuses the words of the
// packing before.
func (to *packed) pack(p pool, codes [][]uint8, features []int, table []Feature, rows int) {
	groups := (len(features) + lanes - 1) / lanes
	to.features, to.bins, to.offset = features, to.bins[:0], append(to.offset[:0], 0)
	for i, f := range features {
		to.bins = append(to.bins, table[f].bins())
		to.offset = append(to.offset, to.offset[i]+to.bins[i])
	}
	for len(to.words) < groups {
		to.words = append(to.words, make([]uint64, rows))
	}
	to.words = to.words[:groups]
	blocks := (rows + rowGrain - 1) / rowGrain
	p.each(groups*blocks, func(_, task int) {
		g, lo := task/blocks, task%blocks*rowGrain
		words := to.words[g][lo:min(rows, lo+rowGrain)]
		clear(words)
		for lane, f := range features[g*lanes : min(len(features), (g+1)*lanes)] {
			column := codes[f][lo:][:len(words)]
			for i, c := range column {
				words[i] |= uint64(c) << (8 * lane)
			}
		}
	})
}

// group is the range of positions that share the words of a group.
func (p *packed) group(g int) (lo, hi int) { return g * lanes, min(len(p.features), (g+1)*lanes) }
