package tensor

import "unsafe"

// arena hands out slices that live until the next reset. Small takes share chunks, of
// which each new one adds a quarter, up to maxChunk; each large take of a step has memory
// of its own. Nothing is
// merged or moved, so an arena holds little more than its largest step needs, and a
// sequence of takes that was seen before allocates nothing.
type arena[T any] struct {
	chunks [][]T
	at     int // chunk that is taken from
	used   int // elements taken from it
	size   int // elements of all chunks

	large [][]T // memory of the first, second, ... large take of a step
	taken int   // large takes of this step
}

const (
	defaultChunk = 1 << 10  // elements of the first chunk
	maxChunk     = 64 << 20 // bytes
	largeShare   = 8        // a take of more than this part of maxChunk is large
)

// take returns n elements with whatever they held before.
func (a *arena[T]) take(n int) []T {
	if n > a.limit()/largeShare {
		return a.takeLarge(n)
	}
	for ; a.at < len(a.chunks); a.at, a.used = a.at+1, 0 {
		if c := a.chunks[a.at]; a.used+n <= len(c) {
			s := c[a.used:][:n:n]
			a.used += n
			return s
		}
	}
	size := max(defaultChunk, min(a.size/4, a.limit()))
	if n > 0 {
		size = (size + n - 1) / n * n // takes of equal size fill it
	}
	a.chunks = append(a.chunks, make([]T, size))
	a.size += size
	a.used = n
	return a.chunks[a.at][:n:n]
}

func (a *arena[T]) takeLarge(n int) []T {
	i := a.taken
	a.taken++
	if i == len(a.large) {
		a.large = append(a.large, nil)
	}
	if n > len(a.large[i]) {
		a.large[i] = make([]T, n+n/8) // the next step may want a little more
	}
	return a.large[i][:n:n]
}

// limit is maxChunk in elements.
func (a *arena[T]) limit() int {
	var zero T
	return maxChunk / max(int(unsafe.Sizeof(zero)), 1)
}

// reset makes all memory available again. fill, where not nil, is stored in every
// element that was in use.
func (a *arena[T]) reset(fill *T) {
	if fill != nil {
		for i, c := range a.chunks[:min(a.at+1, len(a.chunks))] {
			if i == a.at {
				c = c[:a.used]
			}
			store(c, *fill)
		}
		for _, c := range a.large[:a.taken] {
			store(c, *fill)
		}
	}
	a.at, a.used, a.taken = 0, 0, 0
}

func store[T any](into []T, v T) {
	for i := range into {
		into[i] = v
	}
}
