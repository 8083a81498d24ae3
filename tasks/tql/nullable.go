package tql

import (
	"slices"

	"github.com/rowlink/rowlink/tasks"
)

// maybeNull reports whether a value over (entity, anchor) can be NULL or drop its
// example.
func maybeNull(e tasks.Expr) bool {
	switch e := e.(type) {
	case *tasks.Literal:
		return e.Null
	case *tasks.AnchorExpr:
		return false
	case *tasks.Aggregate:
		return e.Skip || e.Empty.Null
	case *tasks.Call:
		switch e.Op {
		case "is", "is not":
			return skips(e)
		case "coalesce", "least", "greatest":
			return skips(e) || !slices.ContainsFunc(e.Args, func(a tasks.Expr) bool { return !maybeNull(a) })
		case "/", "ln", "log": // out of domain
			return true
		}
		return slices.ContainsFunc(e.Args, maybeNull)
	}
	return true
}

// skips reports whether an aggregate of e drops the example over nothing.
func skips(e tasks.Expr) bool {
	found := false
	eachAggregate(e, func(a *tasks.Aggregate) { found = found || a.Skip })
	return found
}
