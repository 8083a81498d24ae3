package sample

// readParents reads the parents of the copies of step i of its hop: one per copy at most.
func (w *worker) readParents(st *step, i int) {
	from := w.frontier(st)
	out := &w.k.edges[st.hop-1][i]
	w.by[i] = w.by[i][:0]
	if st.hop == 1 {
		w.readRange(st, i, from)
		return
	}
	for j := range w.s.plan.hops[st.hop-2] {
		before := &w.s.plan.hops[st.hop-2][j]
		if before.src != st.dst {
			continue
		}
		r := w.ranges[st.hop-2][j]
		if before.edge^1 != st.edge {
			w.readRange(st, i, r)
			continue
		}
		out.codes = append(out.codes, w.last[j]...)
		for _, c := range w.last[j] {
			if c != noCode {
				out.count++
			}
		}
	}
}

// readRange reads the parents of a range of copies.
func (w *worker) readRange(st *step, i int, r span) {
	dst, out := &w.k.nodes[st.hop-1][st.dst], &w.k.edges[st.hop-1][i]
	out.codes = extend(out.codes, r.hi-r.lo)
	codes := out.codes[len(out.codes)-(r.hi-r.lo):]
	// First row numbers, which lie anywhere, then the codes of their copies.
	for j, row := range dst.rows[r.lo:r.hi] {
		codes[j] = uint32(st.parents[row])
	}
	if st.from.Times != nil && st.from.Rows > cached {
		for _, p := range codes {
			if p != noCode {
				w.touched += st.from.Times[p]
			}
		}
	}
	seen := &w.seen[st.src]
	for j, p := range codes {
		if p == noCode {
			continue
		}
		at := noCode
		if !st.fresh {
			at = seen.find(int32(p))
		}
		if at == noCode {
			at = w.addParent(st, int32(p), r.lo+j)
		}
		codes[j] = at
		if at != noCode {
			out.count++
		}
	}
}

// addParent makes a copy of row p if it is visible, and returns its code or noCode.
func (w *worker) addParent(st *step, p int32, reader int) uint32 {
	if t := st.from.Times; t != nil && (!w.moment.Sees(t[p]) || st.from.Until != nil && !st.from.VisibleAt(w.s.opt.Rule, p, w.at)) {
		return noCode
	}
	found := &w.k.nodes[st.hop][st.src]
	at := code(st.hop, len(found.rows))
	found.rows = append(found.rows, p)
	if t := st.from.Times; t != nil {
		found.ages = append(found.ages, since(t[p], w.at))
	}
	if st.paths {
		found.path = append(found.path, pathTo(w.k.nodes[st.hop-1][st.dst].path[reader], st.edge, 0))
	}
	if st.note || !st.fresh {
		w.seen[st.src].put(p, at)
	}
	return at
}
