package beam

import (
	"encoding/binary"
	"maps"
	"slices"
)

// fullBlock is the size from which a block is handed over.
const fullBlock = 1 << 18

// blocks gathers rows by key and tag, so that many of them make one element.
type blocks struct {
	emit func(int64, []byte)
	of   map[blockKey][]byte
}

type blockKey struct {
	key int64
	tag int
}

func newBlocks(emit func(int64, []byte)) *blocks {
	return &blocks{emit, map[blockKey][]byte{}}
}

// add lets f append a row to the block of a key and tag.
func (b *blocks) add(key int64, tag int, f func([]byte) []byte) {
	k := blockKey{key, tag}
	buf := b.of[k]
	if len(buf) == 0 {
		buf = binary.AppendUvarint(buf, uint64(tag))
	}
	buf = f(buf)
	if len(buf) >= fullBlock {
		b.emit(key, buf)
		buf = nil // the engine may still hold it
	}
	b.of[k] = buf
}

// flush hands over what is left, in the order of the keys.
func (b *blocks) flush() {
	keys := slices.SortedFunc(maps.Keys(b.of), func(x, y blockKey) int {
		if x.key != y.key {
			return int(x.key - y.key)
		}
		return x.tag - y.tag
	})
	for _, k := range keys {
		if len(b.of[k]) > 0 {
			b.emit(k.key, b.of[k])
		}
	}
	clear(b.of)
}
