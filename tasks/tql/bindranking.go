package tql

import (
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// rankingHint is how a ranking is written.
const rankingHint = "rank what a foreign key points to: LIST_DISTINCT(orders.item_id, 0, 30, days) RANK TOP 10"

// ranking binds RANK TOP k: the target lists a foreign key, whose table is ranked (rule R15).
func (b *binder) ranking(e Expr, v bound, spec *Spec) {
	a, ok := v.expr.(*tasks.Aggregate)
	if !ok || a.Fn != "list_distinct" {
		b.fault(e.Range(), "TK172", "%s lists no rows that could be ranked", e).Hint = rankingHint
		return
	}
	c, ok := a.Arg.(*tasks.ColumnExpr)
	if !ok {
		b.fault(e.(*Aggregate).Arg.Range(), "TK172", "%s is no foreign key", e.(*Aggregate).Arg).Hint = rankingHint
		return
	}
	at := c.Table
	for _, l := range c.Links {
		at = b.sc.Tables[at].Links[l].To
	}
	link, ok := b.linkOf(at, c.Column)
	if !ok {
		t := b.sc.Tables[at]
		b.fault(e.(*Aggregate).Arg.Range(), "TK172", "column %q of table %q is no foreign key by itself", t.Columns[c.Column].Name, t.Name).Hint = linkNames(b.sc, at) + "; " + rankingHint
		return
	}
	to := b.sc.Tables[at].Links[link]
	if items := b.sc.Tables[to.To]; items.Ignore {
		b.fault(e.Range(), "TK166", "table %q, which is to be ranked, is ignored in the mapping", items.Name).Hint = "remove ignore: true from the table in the mapping file"
		return
	}
	if items := b.sc.Tables[to.To]; spec.IncludingNew && items.Time == nil {
		b.remark("TK223", "INCLUDING NEW changes nothing: table %s has no time column, so its rows are taken to exist at every anchor", items.Name)
	}
	b.task.Type = tasks.LinkPrediction
	r := b.ranked()
	r.Items, r.Column, r.IncludingNew = to.To, to.Ref[0], spec.IncludingNew
	if spec.Top != nil {
		r.Top = int(spec.Top.N)
	}
}

// ranked is the task's ranking, which an option may have met before the target does.
func (b *binder) ranked() *tasks.Ranking {
	if b.task.Ranking == nil {
		b.task.Ranking = &tasks.Ranking{}
	}
	return b.task.Ranking
}

// assertRanking refuses an option of rankings where nothing is ranked.
func (b *binder) assertRanking(options []*Option) {
	if b.task.Ranking == nil || b.task.Type == tasks.LinkPrediction || b.task.Type == "" {
		return
	}
	for _, o := range options {
		if strings.EqualFold(o.Name.Text, "exclude_seen") {
			b.fault(o.Name.Range(), "TK194", "exclude_seen is an option of RANK, and this task ranks nothing").Hint = "leave it out, or " + rankingHint
		}
	}
}
