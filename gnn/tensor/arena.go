package tensor

// arena hands out slices that live until the next reset. Its chunks are merged at a
// reset, so after the largest step was seen all memory is one chunk and nothing is
// allocated any more.
type arena[T any] struct {
	chunks [][]T
	used   int // elements taken from the last chunk
}

const defaultChunk = 1 << 10

// take returns n elements with whatever they held before.
func (a *arena[T]) take(n int) []T {
	last := len(a.chunks) - 1
	if last < 0 || a.used+n > len(a.chunks[last]) {
		size := max(n, defaultChunk)
		if last >= 0 {
			size = max(size, 2*len(a.chunks[last]))
		}
		a.chunks = append(a.chunks, make([]T, size))
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
		total := 0
		for _, c := range a.chunks {
			total += len(c)
		}
		clear(a.chunks)
		a.chunks = append(a.chunks[:0], make([]T, total))
	} else if fill != nil && len(a.chunks) == 1 {
		for i := range a.chunks[0][:a.used] {
			a.chunks[0][i] = *fill
		}
	}
	a.used = 0
}
