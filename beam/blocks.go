package beam

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"

	sdk "github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// shuffled is the counter of the bytes of blocks.
const shuffled = "shuffled_bytes"

var shuffledBytes = sdk.NewCounter("rowlink", shuffled)

// fullBlock is the size from which a block is handed over.
const fullBlock = 1 << 18

// blocks gathers rows by key and tag, so that many of them make one element.
type blocks struct {
	ctx  context.Context // of the bundle, for the counter
	emit func(int64, []byte)
	of   map[blockKey][]byte
}

type blockKey struct {
	key int64
	tag int
}

func newBlocks(ctx context.Context, emit func(int64, []byte)) *blocks {
	return &blocks{ctx, emit, map[blockKey][]byte{}}
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
		b.send(key, buf)
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
			b.send(k.key, b.of[k])
		}
	}
	clear(b.of)
}

func (b *blocks) send(key int64, block []byte) {
	shuffledBytes.Inc(b.ctx, int64(len(block)))
	b.emit(key, block)
}
