package tql

import "slices"

// Loc is the byte range [Pos, End) of a node in the text it was parsed from.
type Loc struct{ Pos, End int }

// Range returns the byte range itself; nodes get it by embedding.
func (l Loc) Range() Loc { return l }

// A Node is a part of the syntax tree. String prints text that parses back to an
// equal tree, ranges aside.
type Node interface {
	Range() Loc
	String() string
	print(*printer)
}

// An Expr is a node that stands for a value or a condition.
type Expr interface {
	Node
	prec() int               // binding strength, for parentheses
	children() []Expr        // operands, left to right
	canon(s canonScope) Expr // normal form, a new tree
}

// A Statement is one statement of a script.
type Statement interface {
	Node
	base() *Base
	canon() Statement
}

// Base is what all statements share. Incomplete says that a fault left a part of the
// statement out: pointers may be nil, names empty and expressions [*Bad]. Faults that
// leave the tree whole (an unknown unit, TOP 0) do not set it.
type Base struct {
	Loc
	Incomplete bool
}

func (b *Base) base() *Base { return b }

// Inspect calls visit for e and, while visit returns true, for the expressions below
// it, in the order of the text. The operands of an aggregate are its argument, the
// WHERE inside it and its FILTER.
func Inspect(e Expr, visit func(Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, c := range e.children() {
		Inspect(c, visit)
	}
}

// Bad stands where an expression could not be read; the fault has been reported.
type Bad struct{ Loc }

func (*Bad) prec() int               { return precPrimary }
func (*Bad) children() []Expr        { return nil }
func (b *Bad) canon(canonScope) Expr { return b }
func (*Bad) print(p *printer)        { p.add("?") }
func (b *Bad) String() string        { return textOf(b) }

// present returns the expressions that are not nil.
func present(list ...Expr) []Expr {
	return slices.DeleteFunc(list, func(e Expr) bool { return e == nil })
}
