package ingest

// Span is the first and the last row time of a table, not later than the moment of the
// snapshot. The zero value: no row has a time.
type Span struct {
	First, Last int64
	Known       bool
}

// Span returns the span of a table: of all of it, also where the snapshot is a piece of a
// larger database. Cost: O(rows) where Spans does not tell.
func (s *Snapshot) Span(table int) Span {
	if table < len(s.Spans) {
		return s.Spans[table]
	}
	var out Span
	for _, at := range s.Tables[table].Times {
		switch {
		case at == Never || at == Always || s.Taken != 0 && at > s.Taken:
		case !out.Known:
			out = Span{at, at, true}
		default:
			out.First, out.Last = min(out.First, at), max(out.Last, at)
		}
	}
	return out
}
