package tasks

import (
	"cmp"
	"slices"
)

// Thinned returns the table with at most so many examples of a split; most = 0 keeps all.
// Which ones stay is decided by a hash of entity key and anchor, so that neither other
// examples nor the order of rows matter, and a larger number keeps what a smaller one does.
// Link prediction is not thinned: its lists are judged as wholes.
func (l *LabelTable) Thinned(s Split, most int) *LabelTable {
	rows := l.Rows(s)
	if most <= 0 || len(rows) <= most || l.ItemStart != nil {
		return l
	}
	key := func(i int) uint64 {
		h := mix(uint64(l.Anchor[i]))
		if l.entity == nil {
			return mix(h ^ uint64(l.Entity[i]))
		}
		return mix(h ^ l.entity.KeyHash(l.Entity[i]))
	}
	keys := make(map[int]uint64, len(rows))
	for _, i := range rows {
		keys[i] = key(i)
	}
	slices.SortFunc(rows, func(a, b int) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
	gone := make([]bool, len(l.Entity))
	for _, i := range rows[most:] {
		gone[i] = true
	}
	out := *l
	out.Entity, out.Anchor, out.Split, out.Label, out.Series = nil, nil, nil, nil, nil
	for i := range l.Entity {
		if gone[i] {
			continue
		}
		out.Entity, out.Anchor = append(out.Entity, l.Entity[i]), append(out.Anchor, l.Anchor[i])
		out.Split, out.Label = append(out.Split, l.Split[i]), append(out.Label, l.Label[i])
		if l.Series != nil {
			out.Series = append(out.Series, l.Truth(i)...)
		}
	}
	out.Report.Examples[s] = most
	return &out
}
