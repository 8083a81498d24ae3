package tql

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// ranked is the label of a link prediction task: the values that name rows of the ranked
// table which are visible at the anchor, with INCLUDING NEW at the end of the window, in
// ascending order; NULL where there is none (rule R15).
func (l *lowering) ranked(list piece) string {
	r := l.task.Ranking
	j := &joins{l: l, known: map[string]string{}, n: 200} // aliases of its own, for readers
	value := l.cell("i", r.Items, r.Column)
	at, asOf, strict := j.row(r.Items, "i"), "g.a", l.task.Options.Rule.Strict
	if r.IncludingNew {
		asOf, strict = l.bound(l.task.Target.(*tasks.Aggregate).Window.End), false
	}
	by := value.sql
	if value.kind == tasks.KindText {
		by += ` COLLATE "C"`
	}
	var b strings.Builder
	fmt.Fprintf(&b, "(SELECT array_agg(DISTINCT %s ORDER BY %s) FROM %s i", by, by, l.table(r.Items))
	for _, join := range j.inner {
		b.WriteString(" " + join)
	}
	where := append([]string{value.in(precSQLIn) + " = ANY (" + list.sql + ")"}, at.visible(asOf, strict)...)
	b.WriteString(" WHERE " + strings.Join(where, " AND ") + ")")
	return b.String()
}
