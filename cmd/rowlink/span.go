package main

import "github.com/rowlink/rowlink/ingest"

// span returns the earliest and the latest time of a table's rows.
func span(t *ingest.Table) (first, last int64, ok bool) {
	first, last = ingest.Never, ingest.Always
	for _, at := range t.Times {
		if at == ingest.Never || at == ingest.Always {
			continue
		}
		first, last, ok = min(first, at), max(last, at), true
	}
	return first, last, ok
}
