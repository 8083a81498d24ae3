package tql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

const windowHintFor = "predict an aggregate over a future window, such as COUNT(orders.*, 0, 30, days)"

// staticTarget infers the type of a target without a window (rule R13), and hides what it
// reads from the features. A target that says nothing, or that every row tells by itself,
// is refused. What a foreign key points to is predicted as a class, not ranked yet.
func (b *binder) staticTarget(e Expr, v bound, ranked bool) {
	cells := tasks.TargetCells(v.expr, b.sc)
	switch {
	case len(cells) == 0:
		b.fault(e.Range(), "TK157", "the target %s is the same for every row", e).Hint = windowHintFor
	case v.link && v.to == b.task.Entity:
		b.fault(e.Range(), "TK125", "%s refers to %q itself", e, b.entity.Name).Hint = "predict another column"
	case v.key && !(v.link && !b.inKey(cells[0])):
		b.fault(e.Range(), "TK157", "%s is a key: it names rows and tells nothing about them", e).Hint = "predict another column"
	case ranked && !v.link:
		b.fault(e.Range(), "TK172", "%s lists no rows that could be ranked", e).Hint = rankingHint
	case ranked:
		b.later(e.Range(), "RANK of a target without a window", "leave RANK out: the rows that "+e.String()+" points to are then told apart as classes, up to 1000 of them")
	case slices.ContainsFunc(cells, b.setsTime):
		b.fault(e.Range(), "TK157", "%s says when the row of %q came to be, which every example knows", e, b.entity.Name).Hint = "predict another column"
	case v.kind == tasks.KindTime:
		b.fault(e.Range(), "TK156", "a time cannot be predicted").Hint = "predict the days until it: (" + e.String() + " - ANCHOR) / 86400"
	default:
		b.task.Type = staticType(v)
		for _, c := range cells {
			if !slices.Contains(b.task.Options.Mask, c) {
				b.task.Options.Mask = append(b.task.Options.Mask, c)
			}
		}
		b.remarkStatic()
	}
}

func staticType(v bound) string {
	switch {
	case v.kind == tasks.KindBool:
		return tasks.Binary
	case v.category || v.link || v.kind == tasks.KindText: // the keys of the rows that a link points to are classes
		return tasks.Multiclass
	}
	return tasks.Regression
}

// inKey reports whether a cell belongs to the primary key of its table.
func (b *binder) inKey(cell tasks.ColumnRef) bool {
	return slices.Contains(b.sc.Tables[cell.Table].Key, cell.Column)
}

// setsTime reports whether a cell holds the time of the entity row, or names the row that
// it inherits its time from.
func (b *binder) setsTime(cell tasks.ColumnRef) bool {
	for at := b.task.Entity; b.sc.Tables[at].Time != nil; {
		rt := b.sc.Tables[at].Time
		if rt.Via < 0 {
			return cell == tasks.ColumnRef{Table: at, Column: rt.Column}
		}
		via := b.sc.Tables[at].Links[rt.Via]
		if cell.Table == at && slices.Contains(via.Columns, cell.Column) {
			return true
		}
		at = via.To
		if rt.Column >= 0 {
			return cell == tasks.ColumnRef{Table: at, Column: rt.Column}
		}
	}
	return false
}

// remarkStatic says what may tell the target beside its own cell: how rows are split
// where they have no time, and the other cells of a row, which its example sees.
func (b *binder) remarkStatic() {
	if b.entity.Time == nil {
		b.remark("TK207", "table %s has no time column: its rows are split at random, and what is known only later may tell the target", b.entity.Name)
	}
	var seen []string
	for c := range b.entity.Columns {
		def := &b.entity.Columns[c]
		_, read := valueKind(def.Kind)
		if _, link := b.linkOf(b.task.Entity, c); link || b.entity.IsKey(c) {
			continue
		}
		if !read || def.Sem == schema.SemIgnore || def.Sem == schema.SemID || b.task.Options.Hides(b.task.Entity, c) || b.setsTime(tasks.ColumnRef{Table: b.task.Entity, Column: c}) {
			continue
		}
		seen = append(seen, def.Name)
	}
	if seen != nil {
		b.remark("TK218", "an example sees the other columns of its own row: %s; hide with mask = ('%s.%s') what is written together with the target",
			strings.Join(seen, ", "), b.entity.Name, seen[0])
	}
}

// entityTime binds AT ENTITY TIME, which only says what a target without a window means
// anyway.
func (b *binder) entityTime(at *AnchorTime, temporal bool) {
	switch {
	case temporal:
		b.fault(at.Range(), "TK137", "AT ENTITY TIME does not go with a window: the anchor of a window is a point of the grid").Hint = "leave AT ENTITY TIME out"
	case b.entity != nil && b.entity.Time == nil:
		b.fault(at.Range(), "TK137", "table %q has no time column, so its rows have no time of their own", b.entity.Name).Hint =
			fmt.Sprintf("leave AT ENTITY TIME out: rows are then split at random; or name the time column: ALTER TABLE %s SET TIME ...", b.entity.Name)
	}
}
