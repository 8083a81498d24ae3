package tql

import (
	"slices"
	"strings"

	"github.com/rowlink/rowlink/tasks"
)

// function binds a call of the table of functions.
func (b *binder) function(e *Call, s scope) bound {
	rule, known := functionKinds[e.Func]
	args := make([]bound, len(e.Args))
	ok := known
	for i, a := range e.Args {
		args[i] = b.expr(a, s)
		ok = ok && args[i].ok
	}
	if !ok {
		return failed // an unknown function has been reported by the parser
	}
	if f := functions[e.Func]; len(args) < f.min || f.max >= 0 && len(args) > f.max {
		b.fault(e.Range(), "TK109", "%s has %d arguments", e.Func, len(args)).Hint = "write " + f.signature
		return failed
	}
	for i, a := range args {
		if a.kind == tasks.KindList {
			b.fault(e.Args[i].Range(), "TK155", "%s takes no list", e.Func).Hint = "test the list with CONTAINS"
			return failed
		}
	}
	result := rule.result
	if rule.same {
		if result, ok = b.alike(e, args); !ok {
			return failed
		}
	}
	for i, want := range rule.args {
		if i < len(args) && !args[i].null && class(args[i].kind) != want {
			b.fault(e.Args[i].Range(), "TK109", "%s wants %s here, found %s", e.Func, kindNames[want], kindNames[args[i].kind]).Hint = "write " + functions[e.Func].signature
			return failed
		}
	}
	if e.Func == "date_part" && !b.datePart(e.Args[0], args[0]) {
		return failed
	}
	return b.call(e.Func, result, args...)
}

// alike demands arguments of one kind and returns it.
func (b *binder) alike(e *Call, args []bound) (tasks.ValueKind, bool) {
	kind, known := tasks.KindText, false
	for _, a := range args {
		if !a.null && (!known || a.literal == nil) {
			kind, known = a.kind, true
		}
	}
	for i := range args {
		if args[i] = b.coerce(args[i], kind); !args[i].ok {
			return kind, false
		}
		if !args[i].null && class(args[i].kind) != class(kind) {
			b.fault(e.Args[i].Range(), "TK109", "%s mixes %s and %s", e.Func, kindNames[kind], kindNames[args[i].kind]).Hint = "write " + functions[e.Func].signature + " with values of one kind"
			return kind, false
		}
		if args[i].kind == tasks.KindNumber && !args[i].null {
			kind = tasks.KindNumber // beside truth values, which count as 0 and 1
		}
	}
	return kind, true
}

// dateParts are the fields that date_part reads.
var dateParts = strings.Fields("year quarter month week isoyear day doy dow isodow hour minute second epoch")

// datePart demands a field that is written out, so that its name is checked here.
func (b *binder) datePart(e Expr, x bound) bool {
	if x.literal != nil && slices.Contains(dateParts, strings.ToLower(x.literal.Text)) {
		return true
	}
	err := b.fault(e.Range(), "TK109", "date_part reads no field %s", e)
	err.Hint = "fields: " + strings.Join(dateParts, ", ") + "."
	if l, ok := e.(*Literal); ok {
		if near, ok := Nearest(l.Text, dateParts); ok {
			err.Hint = "did you mean '" + near + "'? " + sentence(err.Hint)
		}
	}
	return false
}

// functionKinds are the kinds of arguments and result; same means that all are of one
// kind, which is the result's.
var functionKinds = map[string]struct {
	same   bool
	args   []tasks.ValueKind
	result tasks.ValueKind
}{
	"coalesce": {same: true}, "least": {same: true}, "greatest": {same: true},
	"abs":       {args: []tasks.ValueKind{tasks.KindNumber}, result: tasks.KindNumber},
	"round":     {args: []tasks.ValueKind{tasks.KindNumber, tasks.KindNumber}, result: tasks.KindNumber},
	"ln":        {args: []tasks.ValueKind{tasks.KindNumber}, result: tasks.KindNumber},
	"log":       {args: []tasks.ValueKind{tasks.KindNumber}, result: tasks.KindNumber},
	"length":    {args: []tasks.ValueKind{tasks.KindText}, result: tasks.KindNumber},
	"lower":     {args: []tasks.ValueKind{tasks.KindText}, result: tasks.KindText},
	"upper":     {args: []tasks.ValueKind{tasks.KindText}, result: tasks.KindText},
	"date_part": {args: []tasks.ValueKind{tasks.KindText, tasks.KindTime}, result: tasks.KindNumber},
}
