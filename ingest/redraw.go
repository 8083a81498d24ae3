package ingest

import (
	"cmp"
	"slices"
)

// Redrawn returns the table with other values in some columns and other parents over some
// links: each row takes all of them from one row, drawn by hash among those that are known at
// its own time under rule. So a value never comes from a later row, whatever the anchor, and
// values, their frequencies and what stands beside them in other columns of the list are as
// before, but who has them is not. A row without a known time keeps its own.
//
// What a model loses on redrawn columns is their permutation importance (Breiman 2001), with
// draws from the past in place of a permutation. Cost: O(n log n); the rest is shared with t.
// The error is of a disk that is full.
func (t *Table) Redrawn(rule TimeRule, columns, links []int, seed uint64) (*Table, error) {
	from := t.earlier(rule, seed)
	out := &Table{Def: t.Def, Rows: t.Rows, Columns: slices.Clone(t.Columns), Parents: slices.Clone(t.Parents), Dangling: t.Dangling, Times: t.Times, Until: t.Until, NoTime: t.NoTime}
	for _, c := range columns {
		var err error
		if out.Columns[c], err = t.Columns[c].gather(from, nil); err != nil {
			return nil, err
		}
	}
	for _, l := range links {
		parents := make([]int32, t.Rows)
		for row, f := range from {
			parents[row] = t.Parents[l][f]
		}
		out.Parents[l] = parents
	}
	return out, nil
}

// Replace returns a snapshot that shares everything with s but one table, which has another's
// place. It has no ID: it is the content of no database.
func (s *Snapshot) Replace(table int, t *Table) *Snapshot {
	out := *s
	out.ID, out.Tables = "", slices.Clone(s.Tables)
	out.Tables[table] = t
	return &out
}

// earlier draws for each row one that is known at its time.
func (t *Table) earlier(rule TimeRule, seed uint64) []int32 {
	from := make([]int32, t.Rows)
	for row := range from {
		from[row] = int32(row)
	}
	if t.Times == nil {
		for row := range from {
			from[row] = int32(scramble(seed, uint64(row)) % uint64(t.Rows))
		}
		return from
	}
	order := slices.Clone(from)
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(t.Times[a], t.Times[b]) })
	times := make([]int64, len(order))
	for i, row := range order {
		times[i] = t.Times[row]
	}
	for row := range from {
		if at := t.Times[row]; at != Never && at != Always {
			if known := rule.Cut(times, at); known > 0 {
				from[row] = order[scramble(seed, uint64(row))%uint64(known)]
			}
		}
	}
	return from
}

// scramble is a hash of two numbers (the finaliser of SplitMix64, Steele et al. 2014).
func scramble(seed, n uint64) uint64 {
	z := seed + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
