package tensor

import "fmt"

// CSR says who sends to whom: destination i receives from the source rows
// Src[Ptr[i]:Ptr[i+1]], and there are len(Ptr)-1 destinations. A position in Src is
// an edge; edges of one destination are neighbours in that order. A nil Src stands
// for 0, 1, 2, ...: then edge e is row e of a matrix with one row per edge. A CSR
// must not change between its use and the next Reset of the tape.
type CSR struct{ Ptr, Src []int32 }

// Rows returns the number of destinations.
func (c CSR) Rows() int { return max(len(c.Ptr)-1, 0) }

// Edges returns the number of edges.
func (c CSR) Edges() int {
	if len(c.Ptr) == 0 {
		return 0
	}
	return int(c.Ptr[len(c.Ptr)-1])
}

// Check says what is wrong with c as edges from a matrix of that many rows: for data
// from outside. Operators check only the lengths.
func (c CSR) Check(sources int) error {
	if len(c.Ptr) == 0 || c.Ptr[0] != 0 {
		return fmt.Errorf("edge pointers must start with 0")
	}
	for i := range c.Rows() {
		if c.Ptr[i+1] < c.Ptr[i] {
			return fmt.Errorf("edge pointer of destination %d is %d, want at least %d", i+1, c.Ptr[i+1], c.Ptr[i])
		}
	}
	if c.Src != nil && len(c.Src) != c.Edges() {
		return fmt.Errorf("%d sources for %d edges", len(c.Src), c.Edges())
	}
	for e, s := range c.Src {
		if s < 0 || int(s) >= sources {
			return fmt.Errorf("source of edge %d is row %d, want 0 to %d", e, s, sources-1)
		}
	}
	return nil
}

// edges checks c against a matrix of source rows and fills in a nil Src.
func (t *Tape) edges(c CSR, sources int) CSR {
	if c.Src == nil {
		c.Src = t.count(c.Edges())
		if c.Edges() > sources {
			panic(fmt.Sprintf("tensor: %d edges over a matrix of %d rows", c.Edges(), sources))
		}
	}
	if len(c.Src) != c.Edges() {
		panic(fmt.Sprintf("tensor: %d sources for %d edges", len(c.Src), c.Edges()))
	}
	return c
}

// count returns 0, 1, ..., n-1. One list serves the whole life of the tape.
func (t *Tape) count(n int) []int32 {
	for len(t.counting) < n {
		t.counting = append(t.counting, int32(len(t.counting)))
	}
	return t.counting[:n:n]
}

// Destinations returns the destination of every edge; it lives until the next Reset.
func (t *Tape) Destinations(c CSR) []int32 {
	dst := t.ints.take(c.Edges())
	for i := range c.Rows() {
		for e := c.Ptr[i]; e < c.Ptr[i+1]; e++ {
			dst[e] = int32(i)
		}
	}
	return dst
}

// inverse lists the edges by source: source s sends along the edges
// edge[ptr[s]:ptr[s+1]], in ascending order, to the destinations dst at the same places.
type inverse struct{ ptr, edge, dst []int32 }

// inverseKey identifies an edge list by its memory, which stays as it is for a step.
type inverseKey struct {
	ptr, src       *int32
	edges, sources int
}

// knownInverse is an edge list of the step that was sorted already. A step has some
// dozens, so that they are looked for one by one.
type knownInverse struct {
	inverseKey
	inverse
}

func start(s []int32) *int32 {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

// invert sorts the edges by source, once per step and edge list. Without ptr edge e
// leads to destination e. Edges of source -1 lead nowhere and are left out.
func (t *Tape) invert(ptr, src []int32, sources int) inverse {
	key := inverseKey{start(ptr), start(src), len(src), sources}
	for i := range t.inverses {
		if t.inverses[i].inverseKey == key {
			return t.inverses[i].inverse
		}
	}
	v := inverse{ptr: t.ints.take(sources + 1), edge: t.ints.take(len(src))}
	clear(v.ptr)
	for _, s := range src {
		if s >= 0 {
			v.ptr[s+1]++
		}
	}
	for s := range sources {
		v.ptr[s+1] += v.ptr[s]
	}
	next := t.ints.take(sources)
	copy(next, v.ptr)
	for e, s := range src {
		if s >= 0 {
			v.edge[next[s]] = int32(e)
			next[s]++
		}
	}
	v.dst = v.edge
	if ptr != nil {
		dst := t.Destinations(CSR{Ptr: ptr})
		v.dst = t.ints.take(len(src))
		for k, e := range v.edge {
			v.dst[k] = dst[e]
		}
	}
	t.inverses = append(t.inverses, knownInverse{key, v})
	return v
}
