package tql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// Binding strengths of PostgreSQL, weakest first.
const (
	precSQLOr = iota + 1
	precSQLAnd
	precSQLNot
	precSQLIs
	precSQLTest
	precSQLIn // IN, LIKE
	precSQLSum
	precSQLTerm
	precSQLAtom
)

// piece is an SQL expression with its binding strength and the kind of its values.
type piece struct {
	sql  string
	prec int
	kind tasks.ValueKind
	null bool // the constant NULL
	text bool // a text constant
}

func atom(sql string, kind tasks.ValueKind) piece {
	return piece{sql: sql, prec: precSQLAtom, kind: kind}
}

// in is the text of p as an operand that must bind at least so strongly.
func (p piece) in(least int) string {
	if p.prec < least {
		return "(" + p.sql + ")"
	}
	return p.sql
}

func (p piece) cast(to string) piece {
	if p.null {
		return atom("NULL::"+to, p.kind)
	}
	if strings.HasSuffix(p.sql, "::"+to) && p.prec == precSQLAtom {
		return p
	}
	if p.kind == tasks.KindBool && to == "float8" {
		p = p.cast("int")
	}
	return atom(p.in(precSQLAtom)+"::"+to, p.kind)
}

// number reads a truth value as 0 or 1.
func (p piece) number() piece {
	if p.kind == tasks.KindBool && !p.null {
		p = p.cast("int")
		p.kind = tasks.KindNumber
	}
	return p
}

// place is what an expression may refer to: the entity row or a row of an aggregated
// table, and as of when -> reads.
type place struct {
	joins  *joins
	table  int
	row    string // alias
	asOf   string
	strict bool
	source *source // nil outside of aggregates
}

func (l *lowering) expr(at place, e tasks.Expr) piece {
	switch e := e.(type) {
	case *tasks.Literal:
		return literalSQL(e)
	case *tasks.AnchorExpr:
		return atom("g.a", tasks.KindTime)
	case *tasks.ColumnExpr:
		return l.columnSQL(at, e)
	case *tasks.Aggregate:
		return l.aggregate(e)
	}
	return l.call(at, e.(*tasks.Call))
}

func literalSQL(e *tasks.Literal) piece {
	switch {
	case e.Null:
		return piece{sql: "NULL", prec: precSQLAtom, kind: e.Kind, null: true}
	case e.Kind == tasks.KindBool:
		return atom(strings.ToUpper(strconv.FormatBool(e.Num != 0)), e.Kind)
	case e.Kind == tasks.KindText:
		return piece{sql: text(e.Text), prec: precSQLAtom, kind: e.Kind, text: true}
	case e.Kind == tasks.KindTime:
		return atom(timestamp(e.Time), e.Kind)
	}
	number := strconv.FormatFloat(e.Num, 'g', -1, 64)
	if e.Exact {
		number = strconv.FormatInt(e.Int, 10)
	}
	if strings.HasPrefix(number, "-") {
		return piece{sql: number, prec: precSQLTerm, kind: e.Kind}
	}
	return atom(number, e.Kind)
}

func (l *lowering) columnSQL(at place, e *tasks.ColumnExpr) piece {
	alias, table := at.row, e.Table
	if at.source != nil && (e.OfEntity || e.Table != at.table) {
		alias = at.source.entityAlias()
	}
	for _, link := range e.Links {
		alias = at.joins.reach(alias, table, link, at.asOf, at.strict)
		table = l.sc.Tables[table].Links[link].To
	}
	return l.resolved(l.cell(alias, table, e.Column), alias, table, e.Column)
}

// resolved makes a foreign key that dangles NULL (rule R7). Those that the database declares
// and holds cannot.
func (l *lowering) resolved(value piece, alias string, table, col int) piece {
	t := l.sc.Tables[table]
	at, ok := t.LinkOn(col)
	if !ok || t.Links[at].Reason == schema.Declared {
		return value
	}
	to := l.sc.Tables[t.Links[at].To]
	return atom(fmt.Sprintf("CASE WHEN %s IN (SELECT p.%s FROM %s p) THEN %s END", column(alias, t.Columns[col].Name),
		identifier(to.Columns[t.Links[at].Ref[0]].Name), l.table(t.Links[at].To), value.sql), value.kind)
}

// aggregate registers a column of a source and returns what the aggregate yields where
// the entity may have no row (rule R8).
func (l *lowering) aggregate(e *tasks.Aggregate) piece {
	s := l.source(e)
	when, asOf, strict := s.when(e)
	inner := s.place()
	inner.asOf, inner.strict = asOf, strict
	v := sourceValue{when: when, window: e.Window}
	if e.Filter != nil {
		v.filter = l.expr(inner, e.Filter).in(precSQLAnd)
	}
	v.before, v.after = s.reduce(e, inner, &v)
	name := s.add(v)
	counts := e.Fn == "count" || e.Fn == "count_distinct"
	value := name // NULL over nothing
	switch {
	case e.Fn == "exists":
		value = "nullif(" + name + " > 0, FALSE)"
	case counts && !(e.Empty.Num == 0 && !e.Empty.Null && !e.Skip):
		value = "nullif(" + name + ", 0)"
	}
	switch {
	case e.Skip:
		l.present = append(l.present, value+" IS NOT NULL")
		return atom(value, e.Kind)
	case e.Empty.Null:
		return atom(value, e.Kind)
	case e.Fn == "exists" && e.Empty.Num == 0:
		return piece{sql: "coalesce(" + name + ", 0) > 0", prec: precSQLTest, kind: e.Kind}
	}
	return atom("coalesce("+value+", "+literalSQL(&e.Empty).sql+")", e.Kind)
}

// reduce is the aggregate function up to its FILTER clause, and what follows that. It
// adds the demand for a known value to the filter where the function needs it.
func (s *source) reduce(e *tasks.Aggregate, inner place, v *sourceValue) (before, after string) {
	if e.Arg == nil {
		return "count(*)", ""
	}
	arg := s.l.expr(inner, e.Arg)
	x := arg.sql
	ordered := x // text in the order of its bytes
	if arg.kind == tasks.KindText {
		ordered = arg.in(precSQLAtom) + ` COLLATE "C"`
	}
	switch e.Fn {
	case "count":
		return "count(" + x + ")", ""
	case "count_distinct":
		return "count(DISTINCT " + ordered + ")", ""
	case "sum":
		return "sum(" + arg.number().sql + ")", ""
	case "avg":
		return "avg(" + arg.cast("float8").sql + ")", ""
	case "median":
		return "percentile_cont(0.5) WITHIN GROUP (ORDER BY " + arg.cast("float8").sql + ")", ""
	case "stddev":
		return "stddev_samp(" + arg.cast("float8").sql + ")", ""
	case "mode":
		return "mode() WITHIN GROUP (ORDER BY " + ordered + ")", ""
	case "min", "max":
		if arg.kind == tasks.KindBool {
			return map[string]string{"min": "bool_and(", "max": "bool_or("}[e.Fn] + x + ")", ""
		}
		return e.Fn + "(" + ordered + ")", ""
	}
	known := arg.in(precSQLTest) + " IS NOT NULL"
	if v.filter != "" {
		known = v.filter + " AND " + known
	}
	v.filter = known
	if e.Fn == "list_distinct" {
		return "array_agg(DISTINCT " + ordered + " ORDER BY " + ordered + ")", ""
	}
	direction := ""
	if e.Fn == "last" {
		direction = " DESC"
	}
	return "(array_agg(" + x + " ORDER BY " + strings.Join(s.order(v.when, direction), ", ") + ")", ")[1]"
}

// order is the order of rows by time and, among equal times, by key (rule R7).
func (s *source) order(when []string, direction string) []string {
	var by []string
	switch {
	case s.def.Window.Static:
	case !s.fan:
		by = append(by, s.since().value()+direction)
	case s.def.TimeStep == 0:
		by = append(by, s.routes.row(s.def.Table, "r").since.value()+direction)
	default:
		s.timed = true
		by = append(by, fmt.Sprintf("w.t%d", s.whenNumber(when))+direction)
	}
	t := s.l.sc.Tables[s.def.Table]
	columns := t.Key
	if len(columns) == 0 {
		for c := range t.Columns {
			if t.Columns[c].Kind != schema.Opaque {
				columns = append(columns, c)
			}
		}
	}
	for _, c := range columns {
		cell := s.l.cell("r", s.def.Table, c)
		if cell.kind == tasks.KindText {
			cell.sql += ` COLLATE "C"`
		}
		by = append(by, cell.sql+direction)
	}
	return by
}
