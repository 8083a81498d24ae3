package tql

import (
	"errors"
	"fmt"
	"strings"
)

// lowersStatic says why a target without a window cannot be lowered; nil where it can.
func (l *lowering) lowersStatic() error {
	o := &l.task.Options
	switch {
	case l.sc.Tables[l.task.Entity].Time == nil:
		return errors.New("lower to SQL: rows without time are split by a hash that SQL does not compute")
	case o.ValAnchor == 0 || o.TestAnchor == 0:
		return errors.New("lower to SQL: val_anchor and test_anchor are not resolved")
	}
	return nil
}

// ownGrid writes the anchors of a target without a window: the times of the entity rows,
// each with its split (rule R13).
func (l *lowering) ownGrid(b *strings.Builder) {
	o := &l.task.Options
	b.WriteString("grid AS MATERIALIZED (\n  SELECT split, a, row_number() OVER (ORDER BY a) AS n")
	for i, s := range l.bounds {
		fmt.Fprintf(b, ",\n    %s AS w%d", l.shifted("a", s), i+1)
	}
	rows := newJoins(l)
	at := rows.row(l.task.Entity, "d").since.value()
	fmt.Fprintf(b, "\n  FROM (\n    SELECT DISTINCT CASE WHEN a <= %s THEN 'train' WHEN a <= %s THEN 'val' ELSE 'test' END AS split, a\n    FROM (SELECT %s AS a FROM %s d",
		timestamp(o.ValAnchor), timestamp(o.TestAnchor), at, l.table(l.task.Entity))
	for _, join := range rows.inner {
		b.WriteString(" " + join)
	}
	b.WriteString(") t")
	var within []string
	if o.DataFrom != 0 {
		within = append(within, "a >= "+timestamp(o.DataFrom))
	}
	if o.DataUntil != 0 {
		within = append(within, "a <= "+timestamp(o.DataUntil))
	}
	writeWhere(b, "    ", within)
	b.WriteString(") g)")
}

// atOwnTime joins each entity row to the anchor that is its own time, where it is visible
// to itself also under past = strict.
func (l *lowering) atOwnTime() []string {
	at := l.outer.row(l.task.Entity, "d")
	return append([]string{at.since.value() + " = g.a"}, at.valid("g.a")...)
}
