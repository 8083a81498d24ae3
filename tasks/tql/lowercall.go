package tql

import (
	"fmt"
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// call lowers an operator or function. No result is an error at run time: what is out of
// domain is NULL.
func (l *lowering) call(at place, e *tasks.Call) piece {
	args := make([]piece, len(e.Args))
	for i, a := range e.Args {
		args[i] = l.expr(at, a)
	}
	switch e.Op {
	case "and", "or":
		prec := map[string]int{"and": precSQLAnd, "or": precSQLOr}[e.Op]
		parts := make([]string, len(args))
		for i, a := range args {
			parts[i] = a.in(prec + 1)
		}
		return piece{sql: strings.Join(parts, " "+strings.ToUpper(e.Op)+" "), prec: prec, kind: tasks.KindBool}
	case "not":
		return piece{sql: "NOT " + args[0].in(precSQLIs), prec: precSQLNot, kind: tasks.KindBool}
	case "=", "<>", "<", "<=", ">", ">=":
		x, y := comparable(args[0], args[1], e.Op)
		return piece{sql: x + " " + e.Op + " " + y, prec: precSQLTest, kind: tasks.KindBool}
	case "is", "is not":
		return is(args[0], args[1], e.Op == "is not")
	case "in":
		list := make([]string, len(args)-1)
		for i, a := range args[1:] {
			_, list[i] = comparable(args[0], a, "=")
		}
		x := args[0]
		if numbers(args[1:]) {
			x = x.number()
		}
		return piece{sql: x.in(precSQLSum) + " IN (" + strings.Join(list, ", ") + ")", prec: precSQLIn, kind: tasks.KindBool}
	case "+", "-", "*", "/", "neg":
		return arithmeticSQL(e, args)
	case "like", "ilike", "contains", "starts", "ends":
		return matchSQL(e, args[0], args[1])
	}
	return l.function(e, args)
}

// numbers reports whether a list holds a number; beside numbers truth values are 0 and 1.
func numbers(list []piece) bool {
	for _, p := range list {
		if p.kind == tasks.KindNumber && !p.null {
			return true
		}
	}
	return false
}

// comparable prints two operands of a comparison: a truth value beside a number as 0 or
// 1, text in the order of its bytes.
func comparable(x, y piece, op string) (string, string) {
	if x.kind != y.kind && !x.null && !y.null {
		x, y = x.number(), y.number()
	}
	if x.kind != tasks.KindText || op == "=" && (x.text || y.text) || op == "<>" && (x.text || y.text) {
		return x.in(precSQLIn), y.in(precSQLIn)
	}
	return x.in(precSQLAtom) + ` COLLATE "C"`, y.in(precSQLIn)
}

func is(x, y piece, not bool) piece {
	word := " IS "
	if not {
		word = " IS NOT "
	}
	if y.null {
		return piece{sql: x.in(precSQLTest) + word + "NULL", prec: precSQLIs, kind: tasks.KindBool}
	}
	if !not {
		word = " IS NOT DISTINCT FROM "
	} else {
		word = " IS DISTINCT FROM "
	}
	a, b := comparable(x, y, "=")
	return piece{sql: a + word + b, prec: precSQLIs, kind: tasks.KindBool}
}

// arithmeticSQL computes in double precision, as the executor in memory does: no
// overflow of integers, and real division.
func arithmeticSQL(e *tasks.Call, args []piece) piece {
	if len(args) == 1 {
		return piece{sql: "-" + args[0].number().in(precSQLAtom), prec: precSQLTerm, kind: tasks.KindNumber}
	}
	x, y := args[0], args[1]
	switch {
	case x.kind == tasks.KindTime && y.kind == tasks.KindTime && e.Op == "-":
		return atom("extract(epoch FROM "+x.in(precSQLTerm)+" - "+y.in(precSQLTerm)+")::float8", tasks.KindNumber)
	case x.kind == tasks.KindTime:
		return piece{sql: x.in(precSQLSum) + " " + e.Op + " " + seconds(y), prec: precSQLSum, kind: tasks.KindTime}
	case y.kind == tasks.KindTime:
		return piece{sql: y.in(precSQLSum) + " + " + seconds(x), prec: precSQLSum, kind: tasks.KindTime}
	}
	prec := precSQLSum
	if e.Op == "*" || e.Op == "/" {
		prec = precSQLTerm
	}
	right := y.cast("float8").sql
	if e.Op == "/" {
		right = "nullif(" + right + ", 0)"
	}
	return piece{sql: x.cast("float8").sql + " " + e.Op + " " + right, prec: prec, kind: tasks.KindNumber}
}

func seconds(p piece) string { return "make_interval(secs => " + p.cast("float8").sql + ")" }

// matchSQL lowers tests of text, and CONTAINS of a list.
func matchSQL(e *tasks.Call, x, y piece) piece {
	switch e.Op {
	case "like", "ilike":
		return piece{sql: x.in(precSQLSum) + " " + strings.ToUpper(e.Op) + " " + pattern(e.Args[1], y), prec: precSQLIn, kind: tasks.KindBool}
	case "starts":
		return atom("starts_with("+x.sql+", "+y.sql+")", tasks.KindBool)
	case "ends":
		return piece{sql: "right(" + x.sql + ", char_length(" + y.sql + ")) = " + y.in(precSQLIn), prec: precSQLTest, kind: tasks.KindBool}
	}
	if x.kind == tasks.KindList {
		return piece{sql: y.in(precSQLIn) + " = ANY (" + x.sql + ")", prec: precSQLTest, kind: tasks.KindBool}
	}
	return piece{sql: "strpos(" + x.sql + ", " + y.sql + ") > 0", prec: precSQLTest, kind: tasks.KindBool}
}

// pattern doubles a backslash at the end of a pattern, which PostgreSQL refuses and
// which stands for itself here.
func pattern(e tasks.Expr, p piece) string {
	if l, ok := e.(*tasks.Literal); ok {
		if n := len(l.Text) - len(strings.TrimRight(l.Text, `\`)); n%2 == 1 {
			return text(l.Text + `\`)
		}
		return p.sql
	}
	x := p.in(precSQLAtom)
	return "(" + x + ` || CASE WHEN char_length(substring(` + x + ` FROM E'\\\\*$')) % 2 = 1 THEN E'\\' ELSE '' END)`
}

// function lowers a call of the table of functions.
func (l *lowering) function(e *tasks.Call, args []piece) piece {
	x := args[0]
	switch e.Op {
	case "coalesce", "least", "greatest":
		return l.choice(e, args)
	case "abs":
		return atom("abs("+x.number().sql+")", e.Kind)
	case "round":
		return roundSQL(e, args)
	case "ln", "log":
		f := x.cast("float8").sql
		return atom("CASE WHEN "+f+" > 0 THEN "+e.Op+"("+f+") END", e.Kind).wrapped()
	case "length":
		return atom("char_length("+x.sql+")", e.Kind)
	case "lower", "upper":
		return atom(e.Op+"("+x.sql+")", e.Kind)
	case "date_part":
		at := args[1].in(precSQLAtom)
		if strings.ToLower(x.sql) != "'epoch'" {
			at = args[1].in(precSQLAtom) + " AT TIME ZONE " + l.zoneText()
		}
		return atom("date_part("+strings.ToLower(x.sql)+", "+at+")", e.Kind)
	}
	panic("tql: no SQL for operator " + e.Op)
}

func (p piece) wrapped() piece {
	p.sql = "(" + p.sql + ")"
	return p
}

// choice lowers functions that return one of their arguments.
func (l *lowering) choice(e *tasks.Call, args []piece) piece {
	list := make([]string, len(args))
	for i, a := range args {
		if e.Kind == tasks.KindNumber {
			a = a.number()
		}
		list[i] = a.sql
		if e.Op != "coalesce" && e.Kind == tasks.KindText {
			list[i] = a.cast("text").sql + ` COLLATE "C"`
		}
	}
	return atom(e.Op+"("+strings.Join(list, ", ")+")", e.Kind)
}

// roundSQL rounds halves away from zero in double precision; round(float8) of PostgreSQL
// rounds them to even.
func roundSQL(e *tasks.Call, args []piece) piece {
	x := args[0].cast("float8").sql
	if len(args) == 1 {
		return atom("(sign("+x+") * floor(abs("+x+") + 0.5))", tasks.KindNumber)
	}
	scale := "power(10::float8, least(30, greatest(-30, trunc(" + args[1].cast("float8").sql + "))))"
	if digits, ok := e.Args[1].(*tasks.Literal); ok && digits.Exact && digits.Int >= -15 && digits.Int <= 15 {
		scale = fmt.Sprintf("'1e%d'::float8", digits.Int)
	}
	return atom("(sign("+x+") * floor(abs("+x+") * "+scale+" + 0.5) / "+scale+")", tasks.KindNumber)
}
