package tensor

// arena hands out slices that live until the next reset. Its chunks are merged at a
// reset, so after the largest step was seen all memory is one chunk and nothing is
// allocated any more. It grows by a quarter at a time: memory, and the clearing of it,
// cost more than a few more chunks in the first steps.
type arena[T any] struct {
	chunks [][]T
	used   int // elements taken from the last chunk
	before int // elements taken from the others
	size   int // elements of all chunks
}

const defaultChunk = 1 << 10

// take returns n elements with whatever they held before.
func (a *arena[T]) take(n int) []T {
	last := len(a.chunks) - 1
	if last < 0 || a.used+n > len(a.chunks[last]) {
		chunk := make([]T, max(n, defaultChunk, a.size/4))
		a.chunks = append(a.chunks, chunk)
		a.size += len(chunk)
		a.before += a.used
		a.used = 0
		last++
	}
	s := a.chunks[last][a.used:][:n:n]
	a.used += n
	return s
}

// reset makes all memory available again. fill, where not nil, is stored in every
// element that was in use.
func (a *arena[T]) reset(fill *T) {
	if len(a.chunks) > 1 {
		// What was taken fits one chunk; the rest is for steps a little larger.
		a.size = a.before + a.used
		a.size += max(a.size/8, defaultChunk)
		clear(a.chunks)
		a.chunks = append(a.chunks[:0], make([]T, a.size))
	} else if fill != nil && len(a.chunks) == 1 {
		for i := range a.chunks[0][:a.used] {
			a.chunks[0][i] = *fill
		}
	}
	a.used, a.before = 0, 0
}
