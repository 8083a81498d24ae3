package tql

import "strconv"

// Window is the time window of an aggregate, written as bounds inside the parentheses
// (PQL) or as OVER (...). Its range covers the bounds without the unit, or the words
// between the parentheses of OVER.
type Window struct {
	Loc
	Form WindowForm
	// Bad says that a fault in the window has been reported (unknown unit, bound not
	// a whole number): its offsets mean nothing.
	Bad bool

	Low, High Bound // FormBounds
	Unit      Unit  // FormBounds; NoUnit if left out, which means days

	First *Duration // FormAfter: the offset after AFTER
	Last  *Duration // FormNext, FormPrior, FormAfter
}

// WindowForm is the spelling of a window.
type WindowForm uint8

// The spellings.
const (
	FormBounds   WindowForm = iota // 0, 30, days
	FormNext                       // OVER (NEXT '30 days')
	FormPrior                      // OVER (PRIOR '30 days')
	FormAllPrior                   // OVER (ALL PRIOR)
	FormAfter                      // OVER (AFTER '10 days' THROUGH '30 days')
)

// Bound is one bound of a PQL window: N units after the anchor, or without limit
// (Inf is -1 or 1). UNBOUNDED is read as -INF where it stands first, as INF else.
type Bound struct {
	Loc
	N   int64
	Inf int
}

func (b Bound) text() string {
	switch {
	case b.Inf < 0:
		return "-INF"
	case b.Inf > 0:
		return "INF"
	}
	return strconv.FormatInt(b.N, 10)
}

// Offset is one end of a window, relative to the anchor: Inf -1 or 1 for an end
// without limit, else the interval.
type Offset struct {
	Inf int
	Interval
}

// Offsets returns the ends of the window (start, end], whatever its spelling.
func (w *Window) Offsets() (start, end Offset) {
	switch w.Form {
	case FormNext:
		return Offset{}, Offset{Interval: w.Last.Interval}
	case FormPrior:
		return Offset{Interval: w.Last.Interval.Neg()}, Offset{}
	case FormAllPrior:
		return Offset{Inf: -1}, Offset{}
	case FormAfter:
		return Offset{Interval: w.First.Interval}, Offset{Interval: w.Last.Interval}
	}
	return w.offset(w.Low), w.offset(w.High)
}

func (w *Window) offset(b Bound) Offset {
	unit := w.Unit
	if unit == NoUnit {
		unit = Day
	}
	iv, _ := unit.Times(b.N) // out of range was reported and made the window Bad
	return Offset{Inf: b.Inf, Interval: iv}
}

// printInside prints the bounds of a PQL window, printOver the OVER clause.
func (w *Window) printInside(p *printer) {
	p.add(", ", w.Low.text(), ", ", w.High.text())
	if w.Unit != NoUnit {
		p.add(", ", w.Unit.String())
	}
}

func (w *Window) printOver(p *printer) {
	p.add(" OVER (")
	switch w.Form {
	case FormNext:
		p.add("NEXT ")
	case FormPrior:
		p.add("PRIOR ")
	case FormAllPrior:
		p.add("ALL PRIOR)")
		return
	case FormAfter:
		p.add("AFTER ")
		w.First.print(p)
		p.add(" THROUGH ")
	}
	w.Last.print(p)
	p.add(")")
}

// String prints the window as it stands in an aggregate, without the leading comma
// or blank.
func (w *Window) String() string {
	p := &printer{}
	if w.Form == FormBounds {
		w.printInside(p)
		return p.String()[2:]
	}
	w.printOver(p)
	return p.String()[1:]
}

// canon writes the window as bounds in the largest unit that fits both, and with
// AFTER ... THROUGH where no single unit does.
func (w *Window) canon() *Window {
	if w.Bad {
		return w
	}
	start, end := w.Offsets()
	for _, u := range []Unit{Month, Day, Hour, Minute, Second} {
		low, ok1 := start.count(u)
		high, ok2 := end.count(u)
		zero := start.Interval == Interval{} && end.Interval == Interval{}
		if zero {
			u = Day
		}
		if ok1 && ok2 {
			return &Window{Loc: w.Loc, Low: Bound{N: low, Inf: start.Inf}, High: Bound{N: high, Inf: end.Inf}, Unit: u}
		}
	}
	return &Window{Loc: w.Loc, Form: FormAfter, First: durationOf(start.Interval), Last: durationOf(end.Interval)}
}

// count returns the offset as a number of units, false if it is not a whole one.
func (o Offset) count(u Unit) (int64, bool) {
	if o.Inf != 0 || o.Interval == (Interval{}) {
		return 0, true
	}
	one, _ := u.Times(1)
	n := int64(0)
	switch {
	case one.Months != 0:
		n = int64(o.Months)
	case one.Days != 0:
		n = int64(o.Days)
	case o.Micros%one.Micros == 0:
		n = o.Micros / one.Micros
	}
	back, err := u.Times(n)
	return n, err == nil && back == o.Interval
}

// Duration is a length of time: a string such as '7 days', or a number and a unit.
type Duration struct {
	Loc
	Text     string // the string, if written so
	N        int64  // with Unit, if not
	Unit     Unit
	Interval Interval
}

func durationOf(iv Interval) *Duration { return &Duration{Text: iv.String(), Interval: iv} }

func (d *Duration) String() string { return textOf(d) }
func (*Duration) value()           {}

func (d *Duration) print(p *printer) {
	if d.Unit != NoUnit {
		p.add(strconv.FormatInt(d.N, 10), " ", d.Unit.String())
		return
	}
	p.quoted('\'', d.Text)
}
