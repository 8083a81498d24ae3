package tql

import (
	"strings"
	"time"

	"github.com/rowlink/rowlink/tasks"
)

// role says in which clause an expression stands.
type role uint8

const (
	roleTarget role = iota
	roleWhere
	roleAssuming
	roleRow // inside an aggregate, over one row of its table
)

// scope is what a bare column means.
type scope struct {
	table int
	role  role
}

// bound is a bound expression with its type. ok is false when a fault in it has been
// reported.
type bound struct {
	expr     tasks.Expr
	kind     tasks.ValueKind
	category bool     // a value of a categorical column
	null     bool     // the literal NULL
	literal  *Literal // a constant, which may still take the type of what it is compared with
	key      bool     // a key column, also part of one
	link     bool     // a foreign key by itself, to table to
	to       int
	size     int // operators and operands; BETWEEN counts what it tests twice
	ok       bool
}

var failed = bound{}

// maxSize bounds the operators and operands of an expression (code TK199): nested
// BETWEENs double it with each level.
const maxSize = 20_000

func (b *binder) expr(e Expr, s scope) bound {
	out := b.node(e, s)
	if out.size > maxSize {
		b.fault(e.Range(), "TK199", "the expression is larger than %d operators and operands", maxSize).Hint = "split the task, or nest fewer BETWEENs"
		return failed
	}
	return out
}

func (b *binder) node(e Expr, s scope) bound {
	switch e := e.(type) {
	case *Literal:
		return b.literal(e)
	case *Column:
		return b.column(e, s)
	case *Aggregate:
		return b.aggregate(e, s)
	case *Anchor:
		return bound{expr: &tasks.AnchorExpr{}, kind: tasks.KindTime, ok: true}
	case *Logic:
		return b.logic(e, s)
	case *Not:
		x := b.expr(e.X, s)
		b.wantCondition(e.X, x)
		return b.call("not", tasks.KindBool, x)
	case *Sign:
		x := b.expr(e.X, s)
		if e.Op == "+" {
			return x
		}
		b.wantNumber(e.X, x)
		if l, ok := e.X.(*Literal); ok && l.IsNumber() {
			return b.literal(&Literal{Loc: e.Loc, Kind: l.Kind, Text: "-" + l.Text})
		}
		return b.call("neg", tasks.KindNumber, x)
	case *Arith:
		return b.arith(e, s)
	case *Compare:
		x, y := b.pair(e.X, e.Y, s, e.Op)
		return b.call(e.Op, tasks.KindBool, x, y)
	case *Between:
		x := b.expr(e.X, s)
		low, lo := b.alignedPair(e.X, e.Low, x, b.expr(e.Low, s), ">=")
		high, hi := b.alignedPair(e.X, e.High, x, b.expr(e.High, s), "<=")
		both := b.call("and", tasks.KindBool, b.call(">=", tasks.KindBool, low, lo), b.call("<=", tasks.KindBool, high, hi))
		return b.negated(e.Not, both)
	case *In:
		return b.in(e, s)
	case *Is:
		x, y := b.pair(e.X, e.Value, s, "is")
		op := "is"
		if e.Not {
			op = "is not"
		}
		return b.call(op, tasks.KindBool, x, y)
	case *Match:
		return b.match(e, s)
	case *Call:
		return b.function(e, s)
	}
	return failed // *Bad: its fault has been reported by the parser
}

// call joins bound operands; it fails when one of them did.
func (b *binder) call(op string, kind tasks.ValueKind, args ...bound) bound {
	c := &tasks.Call{Op: op, Kind: kind}
	size := 1
	for _, a := range args {
		if !a.ok {
			return failed
		}
		c.Args = append(c.Args, a.expr)
		size += 1 + a.size
	}
	return bound{expr: c, kind: kind, size: size, ok: true}
}

func (b *binder) negated(not bool, x bound) bound {
	if not {
		return b.call("not", tasks.KindBool, x)
	}
	return x
}

func (b *binder) logic(e *Logic, s scope) bound {
	args := make([]bound, len(e.Terms))
	for i, t := range e.Terms {
		args[i] = b.expr(t, s)
		b.wantCondition(t, args[i])
	}
	return b.call(strings.ToLower(e.Op), tasks.KindBool, args...)
}

func (b *binder) wantCondition(e Expr, x bound) {
	if x.ok && x.kind != tasks.KindBool && !x.null {
		b.fault(e.Range(), "TK143", "%s is no condition: it yields %s", e, kindNames[x.kind]).Hint = conditionHint(e, x)
	}
}

func (b *binder) wantNumber(e Expr, x bound) {
	if x.ok && x.kind != tasks.KindNumber && x.kind != tasks.KindBool && !x.null {
		b.fault(e.Range(), "TK150", "%s is %s, want a number", e, kindNames[x.kind]).Hint = "use a number column, or COUNT with a filter"
	}
}

// literal binds a constant by its spelling; pair gives strings the type of their partner.
func (b *binder) literal(l *Literal) bound {
	out := bound{ok: true, literal: l}
	lit := &tasks.Literal{}
	out.expr = lit
	switch l.Kind {
	case LitNull:
		lit.Null, out.null = true, true
	case LitBool:
		lit.Kind = tasks.KindBool
		if strings.EqualFold(l.Text, "TRUE") {
			lit.Num = 1
		}
	case LitInt, LitDecimal:
		lit.Kind = tasks.KindNumber
		var ok bool
		if lit.Num, ok = l.Float(); !ok {
			b.fault(l.Range(), "TK106", "the number %s is out of range", l.Text).Hint = "numbers reach to about 1.8e308"
			return failed
		}
		if n, ok := l.Int(); ok {
			lit.Int, lit.Exact = n, true
		}
	case LitString:
		lit.Kind, lit.Text = tasks.KindText, l.Text
	case LitInterval:
		iv, err := ParseInterval(l.Text)
		if err != nil || iv.Months != 0 {
			b.fault(l.Range(), "TK153", "the interval %q has no fixed length in seconds", l.Text).Hint = "write it in days, hours or seconds"
			return failed
		}
		lit.Kind = tasks.KindNumber
		lit.Num = float64(iv.Days)*86400 + float64(iv.Micros)/1e6
		if iv.Micros%1e6 == 0 {
			lit.Int, lit.Exact = int64(lit.Num), true
		}
	default:
		at, ok := b.instant(l)
		if !ok {
			return failed
		}
		lit.Kind, lit.Time = tasks.KindTime, at
	}
	out.kind = lit.Kind
	return out
}

// instant reads a time literal in the task zone (rule R1).
func (b *binder) instant(l *Literal) (int64, bool) {
	d, ok := l.Time()
	if !ok {
		b.fault(l.Range(), "TK106", "%q is no date", l.Text).Hint = "write a date like 2020-01-31 or 2020-01-31 14:30:00"
		return 0, false
	}
	return d.In(b.zone()), true
}

func (b *binder) zone() *time.Location {
	if b.task.Options.Zone != nil {
		return b.task.Options.Zone
	}
	return time.UTC
}

// In returns the moment in microseconds UTC; without a zone of its own it is read in loc.
func (d DateTime) In(loc *time.Location) int64 {
	if d.HasZone {
		loc = time.FixedZone("", d.Offset)
	}
	return tasks.LocalTime(loc, time.Date(d.Year, time.Month(d.Month), d.Day, d.Hour, d.Minute, d.Second, d.Micros*1000, time.UTC))
}

// pair binds the two sides of a comparison; see [binder.alignedPair].
func (b *binder) pair(ex, ey Expr, s scope, op string) (x, y bound) {
	return b.alignedPair(ex, ey, b.expr(ex, s), b.expr(ey, s), op)
}

// alignedPair gives a constant the type of the other side of a comparison: a string
// becomes a time beside a time. It refuses sides that do not compare.
func (b *binder) alignedPair(ex, ey Expr, x, y bound, op string) (bound, bound) {
	if !x.ok || !y.ok {
		return failed, failed
	}
	if (x.null || y.null) && op != "is" {
		err := b.fault(Loc{ex.Range().Pos, ey.Range().End}, "TK153", "a comparison with NULL is never true")
		other := ex
		if x.null {
			other = ey
		}
		err.Hint = "write " + other.String() + " IS NULL"
		if op == "<>" {
			err.Hint = "write " + other.String() + " IS NOT NULL"
		}
		return failed, failed
	}
	x, y = b.coerce(x, y.kind), b.coerce(y, x.kind)
	if !x.ok || !y.ok || x.null || y.null {
		return x, y
	}
	if x.kind == tasks.KindList || y.kind == tasks.KindList {
		b.fault(ex.Range(), "TK155", "a list cannot be compared with %s", op).Hint = "test it with CONTAINS"
		return failed, failed
	}
	if class(x.kind) != class(y.kind) {
		err := b.fault(Loc{ex.Range().Pos, ey.Range().End}, "TK153", "%s is %s, but %s is %s", ex, kindNames[x.kind], ey, kindNames[y.kind])
		err.Hint = "compare values of one kind"
		return failed, failed
	}
	return x, y
}

// class joins the kinds that compare with each other.
func class(k tasks.ValueKind) tasks.ValueKind {
	if k == tasks.KindBool {
		return tasks.KindNumber
	}
	return k
}

// coerce gives a string constant the type of its partner.
func (b *binder) coerce(x bound, to tasks.ValueKind) bound {
	if x.literal == nil || x.kind != tasks.KindText || to != tasks.KindTime {
		return x
	}
	at, ok := b.instant(x.literal)
	if !ok {
		return failed
	}
	return bound{expr: &tasks.Literal{Kind: tasks.KindTime, Time: at}, kind: tasks.KindTime, ok: true}
}

func (b *binder) arith(e *Arith, s scope) bound {
	x, y := b.expr(e.X, s), b.expr(e.Y, s)
	if !x.ok || !y.ok {
		return failed
	}
	if x.kind == tasks.KindTime || y.kind == tasks.KindTime {
		return b.timeArith(e, x, y)
	}
	b.wantNumber(e.X, x)
	b.wantNumber(e.Y, y)
	return b.call(e.Op, tasks.KindNumber, x, y)
}

// timeArith is time - time (seconds) and time +- seconds.
func (b *binder) timeArith(e *Arith, x, y bound) bound {
	switch {
	case e.Op == "-" && x.kind == tasks.KindTime && y.kind == tasks.KindTime:
		return b.call("-", tasks.KindNumber, x, y)
	case (e.Op == "-" || e.Op == "+") && x.kind == tasks.KindTime && y.kind == tasks.KindNumber,
		e.Op == "+" && x.kind == tasks.KindNumber && y.kind == tasks.KindTime:
		return b.call(e.Op, tasks.KindTime, x, y)
	}
	b.fault(e.Range(), "TK153", "%s is not defined between %s and %s", e.Op, kindNames[x.kind], kindNames[y.kind]).Hint =
		"a time minus a time gives seconds; seconds can be added to a time"
	return failed
}

func (b *binder) in(e *In, s scope) bound {
	x := b.expr(e.X, s)
	if !x.ok {
		return failed
	}
	if x.kind == tasks.KindList {
		b.fault(e.X.Range(), "TK155", "a list cannot be compared with IN").Hint = "test it with CONTAINS"
		return failed
	}
	args := []bound{x}
	for _, l := range e.List {
		y := b.coerce(b.literal(l), x.kind)
		if y.ok && !y.null && class(y.kind) != class(x.kind) {
			b.fault(l.Range(), "TK153", "%s is %s, but %s is %s", e.X, kindNames[x.kind], l, kindNames[y.kind]).Hint = "list values of the same kind"
			return failed
		}
		args = append(args, y)
	}
	in := b.call("in", tasks.KindBool, args...)
	if e.Is { // never unknown
		in = b.call("coalesce", tasks.KindBool, in, bound{expr: &tasks.Literal{Kind: tasks.KindBool}, kind: tasks.KindBool, ok: true})
	}
	return b.negated(e.Not, in)
}

func (b *binder) match(e *Match, s scope) bound {
	x, y := b.expr(e.X, s), b.expr(e.Y, s)
	if !x.ok || !y.ok {
		return failed
	}
	list := x.kind == tasks.KindList && e.Op == "CONTAINS"
	if !list && x.kind != tasks.KindText || !list && y.kind != tasks.KindText {
		b.fault(e.Range(), "TK155", "%s needs text, but %s is %s", e.Op, e.X, kindNames[x.kind]).Hint = "use = for other values"
		return failed
	}
	op := strings.ToLower(strings.Fields(e.Op)[0])
	return b.negated(e.Not, b.call(op, tasks.KindBool, x, y))
}
