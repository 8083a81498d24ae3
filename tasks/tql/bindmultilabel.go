package tql

import "github.com/rowlink/rowlink/tasks"

// multilabelHint is how a set of classes is predicted.
const multilabelHint = "name a column of text or of a category: LIST_DISTINCT(orders.channel, 0, 30, days) CLASSIFY"

// classify binds CLASSIFY: for each value of a category, whether the set will hold it.
func (b *binder) classify(e Expr, v bound, spec *Spec) {
	a, ok := v.expr.(*tasks.Aggregate)
	if !ok || a.Fn != "list_distinct" {
		b.fault(e.Range(), "TK173", "%s is no set of values", e).Hint = multilabelHint
		return
	}
	arg := b.expr(e.(*Aggregate).Arg, scope{table: a.Table, role: roleRow})
	switch {
	case !arg.ok:
		return
	case arg.link || arg.key && !arg.category:
		b.fault(e.(*Aggregate).Arg.Range(), "TK173", "%s names rows, not a category", e.(*Aggregate).Arg).Hint = namesRows(e, arg) + multilabelHint
		return
	case !arg.category && arg.kind != tasks.KindText && arg.kind != tasks.KindBool:
		b.fault(e.(*Aggregate).Arg.Range(), "TK173", "%s is %s, not a category", e.(*Aggregate).Arg, kindNames[arg.kind]).Hint =
			"if it names a category, say so in the mapping: type: categorical; or " + multilabelHint
		return
	}
	b.task.Type = tasks.Multilabel
	if spec.Top != nil {
		b.task.Top = int(spec.Top.N)
	}
}

// namesRows says what can be done with a column that names rows: of a foreign key, or of a
// key that names a category as well, such as a position.
func namesRows(e Expr, arg bound) string {
	if arg.link {
		return "rank them: " + e.String() + " RANK TOP 10; or "
	}
	c, ok := arg.expr.(*tasks.ColumnExpr)
	if column, plain := e.(*Aggregate).Arg.(*Column); ok && plain && len(c.Links) == 0 {
		name := column.Parts[len(column.Parts)-1]
		return "if it names a category too, say so: ALTER TABLE ... SET COLUMN " + name.String() + " TYPE categorical; or "
	}
	return ""
}

// seenSets is the SELECT that leaves out of sets the values that no training set holds, and
// examples of which nothing is left.
func seenSets(names string) string {
	return ",\nseen AS (\n  SELECT DISTINCT unnest(label) AS c FROM labels WHERE split = 'train')\nSELECT split, anchor, " + names + ",\n" +
		"  ARRAY(SELECT u FROM unnest(label) AS u WHERE u IN (SELECT c FROM seen) ORDER BY u COLLATE \"C\") AS label\nFROM labels\n" +
		"WHERE label && ARRAY(SELECT c FROM seen)"
}
