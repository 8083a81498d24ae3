package tasks

// Span is a calendar duration: months first (clamped to the month's last day), then
// days by the wall clock of the task zone, then exact microseconds (rule R4).
type Span struct {
	Months, Days int
	Micros       int64
}

// Expr is a bound expression over (entity row, anchor), or inside an aggregate over
// (row of the aggregated table, as-of instant). Evaluation is three-valued: a [Value]
// may be NULL.
type Expr interface{ expr() }

// ValueKind is the type of a bound expression's value.
type ValueKind uint8

// The value kinds.
const (
	KindBool ValueKind = iota
	KindNumber
	KindText
	KindTime // microseconds UTC
	KindList // distinct values, sorted: the result of list_distinct
)

// Literal is a constant; nil Value means NULL.
type Literal struct {
	Kind  ValueKind
	Null  bool
	Num   float64 // KindNumber; KindBool as 0 or 1
	Text  string
	Time  int64
	Exact bool  // KindNumber: Int holds the number, which Num may only approximate
	Int   int64 // beyond 2^53
}

// ColumnExpr reads a column of the row in scope, or of the parent reached by
// following Links (positions in each table's Links, child to parent). Every row on
// the way must be visible at the as-of instant, else the value is NULL (rule R21).
type ColumnExpr struct {
	Table  int   // table of the row in scope
	Links  []int // walked first to last
	Column int   // of the table reached
	Kind   ValueKind
	// OfEntity makes a column inside an aggregate start at the entity row. It is implied
	// when Table is not the aggregated table.
	OfEntity bool
}

// AnchorExpr is the anchor itself as a time.
type AnchorExpr struct{}

// Call applies an operator or function of the table in package tasks to arguments:
// "and", "or", "not", "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/", "neg",
// "is", "is not", "in", "like", "ilike", "contains", "starts", "ends", "coalesce",
// "abs", "length", "lower", "upper", "least", "greatest", "round", "ln", "log",
// "date_part". "in" takes the tested value first, then the list.
type Call struct {
	Op   string
	Args []Expr
	Kind ValueKind
}

// Aggregate reduces the rows of Table that belong to the entity and whose time lies
// in the window (anchor + Start, anchor + End] (rules R4 to R8).
type Aggregate struct {
	Fn       string // count, count_distinct, sum, avg, min, max, first, last, exists, list_distinct
	Table    int    // aggregated table
	Path     []Step // from the aggregated table to the entity table
	Arg      Expr   // nil for *
	Filter   Expr   // nil = none; rows where it is TRUE are kept
	Window   Window
	Empty    Literal // result over nothing (rule R8), unless EmptySkip
	Skip     bool    // ON EMPTY SKIP: drops the example
	Kind     ValueKind
	Position int // byte offset of the aggregate in the task text, for reports
	// TimeStep says whose time the window selects by (TIME t.c): 0 = the aggregated
	// table's, k = that of the table which the first k steps of Path reach.
	TimeStep int
	OnEmpty  bool // ON EMPTY was written: empty windows are meant, so not warned of
}

// Step walks one link: up from the child that holds it to its parent, or down from
// the parent to its children. Table holds the link, Link is its position there.
type Step struct {
	Table, Link int
	Down        bool
}

// Window is (anchor + Start, anchor + End]; OpenStart drops the lower bound.
// Static marks an aggregate over a table without time (no window at all).
type Window struct {
	Start, End Span
	OpenStart  bool
	Static     bool
}

// Future reports whether the window ends after the anchor.
func (w Window) Future() bool {
	return !w.Static && (w.End.Months > 0 || w.End.Days > 0 || w.End.Micros > 0)
}

func (*Literal) expr()    {}
func (*ColumnExpr) expr() {}
func (*AnchorExpr) expr() {}
func (*Call) expr()       {}
func (*Aggregate) expr()  {}
