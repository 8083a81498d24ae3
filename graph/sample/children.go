package sample

// listed is the part of a list of children that one copy may read.
type listed struct {
	lo int64
	n  int
}

// cached is the length of an array below which it is found in the cache anyway.
const cached = 1 << 17

// lookUp finds the part of the list of each row that may be read: its visible children
// but those that are too old. Row i is read at the moment of seed first + i*stride.
func (w *worker) lookUp(out []listed, st *step, rows []int32, first, stride int) []listed {
	list := st.list
	out = resize(out, len(rows))
	for i, row := range rows {
		lo := list.Offsets[row]
		out[i] = listed{lo, int(list.Offsets[row+1] - lo)}
	}
	if len(list.Children) > cached {
		w.fetch(st, out)
	}
	if list.Times != nil {
		for i := range out {
			l := &out[i]
			l.n = w.moments[first+i*stride].Count(list.Times[l.lo:][:l.n])
		}
		if w.s.opt.Window > 0 {
			w.leaveOut(out, list.Times, first, stride)
		}
	}
	return out
}

// fetch reads from every list at places that a short one has in few cache lines. These
// reads do not wait for each other, as those of a search do: the processor gets many
// lists from memory at once, and what follows finds them in its cache.
func (w *worker) fetch(st *step, lists []listed) {
	children, times, sum := st.list.Children, st.list.Times, int64(0)
	for _, l := range lists {
		if l.n == 0 {
			continue
		}
		lo, n := int(l.lo), l.n
		if times != nil {
			sum += times[lo+n/4] + times[lo+3*n/4]
		}
		sum += int64(children[lo]) + int64(children[lo+n-1])
	}
	w.touched += sum
}

// readChildren reads the children of the copies of step i of its hop.
func (w *worker) readChildren(st *step, i int) {
	from := w.frontier(st)
	dst := &w.k.nodes[st.hop-1][st.dst]
	var lists []listed
	if st.hop == 1 {
		lists = w.first[i][w.seed:][:1]
	} else {
		w.lists = w.lookUp(w.lists, st, dst.rows[from.lo:from.hi], w.seed, 0)
		lists = w.lists
	}
	out := &w.k.edges[st.hop-1][i]
	w.by[i] = w.by[i][:0]
	for j, l := range lists {
		c := children{rows: st.list.Children[l.lo:][:l.n], reader: from.lo + j}
		if st.list.Times != nil {
			c.times = st.list.Times[l.lo:][:l.n]
		}
		if len(dst.path) > c.reader {
			c.path = dst.path[c.reader]
		}
		if st.until {
			w.leaveOutEnded(st, &c)
		}
		if n := len(c.rows); st.want >= 0 && n > st.want {
			w.pick(st, &c)
		}
		switch {
		case len(c.rows) == 0:
		case st.fresh:
			w.addAll(st, i, &c)
		default:
			w.addNew(st, i, &c)
		}
		out.deg = append(out.deg, int32(len(c.rows)))
		out.count += len(c.rows)
	}
}

// children are what one copy reads over an edge type.
type children struct {
	rows   []int32
	times  []int64 // nil when they have no time
	at     []int32 // position of each among the readable ones; nil = all are read
	reader int     // copy that reads them, among those of its hop and table
	path   uint64  // path identity of the reader
}

// leaveOutEnded drops the rows that have ended: O(degree).
func (w *worker) leaveOutEnded(st *step, c *children) {
	w.rows, w.times = w.rows[:0], w.times[:0]
	for i, row := range c.rows {
		if st.from.VisibleAt(w.s.opt.Rule, row, w.at) {
			w.rows, w.times = append(w.rows, row), append(w.times, c.times[i])
		}
	}
	c.rows, c.times = w.rows, w.times
}

// pick leaves st.want of the children, chosen by the strategy.
func (w *worker) pick(st *step, c *children) {
	p := &w.choice
	p.N, p.Want, p.Times, p.At, p.HalfLife = len(c.rows), st.want, c.times, w.at, w.s.opt.HalfLife
	p.Draws = Stream(fold(c.path, uint64(st.edge)<<8|uint64(st.hop)))
	w.picked = w.s.pick.Pick(p, w.picked[:0])
	c.at = w.picked
	// Where the children lie in this scratch already, each moves to the left or stays.
	w.rows = resize(w.rows, len(c.at))
	for j, at := range c.at {
		w.rows[j] = c.rows[at]
	}
	c.rows = w.rows
	if c.times != nil {
		w.times = resize(w.times, len(c.at))
		for j, at := range c.at {
			w.times[j] = c.times[at]
		}
		c.times = w.times
	}
}

// addAll makes copies of children of which none has one yet.
func (w *worker) addAll(st *step, i int, c *children) {
	found, out := &w.k.nodes[st.hop][st.src], &w.k.edges[st.hop-1][i]
	first, n := len(found.rows), len(c.rows)
	found.rows = append(found.rows, c.rows...)
	if c.times != nil {
		found.ages = extend(found.ages, n)
		ages := found.ages[first:][:n]
		for j, t := range c.times {
			ages[j] = since(t, w.at)
		}
	}
	if !st.alone {
		out.codes = extend(out.codes, n)
		codes := out.codes[len(out.codes)-n:]
		for j := range codes {
			codes[j] = code(st.hop, first+j)
		}
	}
	if st.paths {
		for j := range c.rows {
			found.path = append(found.path, pathTo(c.path, st.edge, c.position(j)))
		}
	}
	if st.note {
		seen := &w.seen[st.src]
		for j, row := range c.rows {
			seen.put(row, code(st.hop, first+j))
		}
	}
	if st.back {
		w.by[i] = extend(w.by[i], n)
		fill(w.by[i][len(w.by[i])-n:], w.readerCode(st, c))
	}
}

// addNew makes copies of the children that have none yet.
func (w *worker) addNew(st *step, i int, c *children) {
	found, out := &w.k.nodes[st.hop][st.src], &w.k.edges[st.hop-1][i]
	seen := &w.seen[st.src]
	for j, row := range c.rows {
		at := seen.find(row)
		if at == noCode {
			at = code(st.hop, len(found.rows))
			found.rows = append(found.rows, row)
			if c.times != nil {
				found.ages = append(found.ages, since(c.times[j], w.at))
			}
			if st.paths {
				found.path = append(found.path, pathTo(c.path, st.edge, c.position(j)))
			}
			if st.note {
				seen.put(row, at)
			}
			if st.back {
				w.by[i] = append(w.by[i], w.readerCode(st, c))
			}
		}
		out.codes = append(out.codes, at)
	}
}

// position returns where child j stands among those that can be read.
func (c *children) position(j int) int32 {
	if c.at == nil {
		return int32(j)
	}
	return c.at[j]
}

// readerCode names the copy that reads the children, for their way back: a row that is
// not visible cannot be read, not even by its own children.
func (w *worker) readerCode(st *step, c *children) uint32 {
	if st.hop == 1 && w.hidden {
		return noCode
	}
	return code(st.hop-1, c.reader)
}
