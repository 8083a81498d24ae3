package tasks

import "github.com/rowlink/rowlink/schema"

// kindOf is the kind of an expression's values as far as columns and operators tell it;
// known is false for NULL alone.
func (c *compiler) kindOf(e Expr) (kind ValueKind, known bool) {
	switch e := e.(type) {
	case *Literal:
		return e.Kind, !e.Null
	case *AnchorExpr:
		return KindTime, true
	case *ColumnExpr:
		t := e.Table
		for _, l := range e.Links {
			t = c.snap.Schema.Tables[t].Links[l].To
		}
		switch c.snap.Schema.Tables[t].Columns[e.Column].Kind {
		case schema.Bool:
			return KindBool, true
		case schema.Text:
			return KindText, true
		case schema.Time:
			return KindTime, true
		}
		return KindNumber, true
	case *Aggregate:
		switch e.Fn {
		case "exists":
			return KindBool, true
		case "list_distinct":
			return KindList, true
		case "min", "max", "first", "last", "mode":
			return c.kindOf(e.Arg)
		}
		return KindNumber, true
	case *Call:
		return c.kindOfCall(e)
	}
	return KindBool, false
}

func (c *compiler) kindOfCall(e *Call) (ValueKind, bool) {
	switch e.Op {
	case "lower", "upper":
		return KindText, true
	case "coalesce", "least", "greatest":
		for _, a := range e.Args {
			if k, ok := c.kindOf(a); ok {
				return k, true
			}
		}
		return KindBool, false
	case "+", "-":
		times := 0
		for _, a := range e.Args {
			if k, ok := c.kindOf(a); ok && k == KindTime {
				times++
			}
		}
		if times == 1 {
			return KindTime, true
		}
		return KindNumber, true
	case "*", "/", "neg", "abs", "round", "ln", "log", "length", "date_part":
		return KindNumber, true
	}
	return KindBool, true
}
