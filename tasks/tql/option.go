package tql

// Option is name = value in WITH (...).
type Option struct {
	Loc
	Name  Name
	Value Value
}

// A Value is the value of an option: [*Literal], [*Word], [*Duration] (a number and
// a unit) or [*ValueList].
type Value interface {
	Node
	value()
}

// Word is a bare word as a value, as in regime = frozen.
type Word struct {
	Loc
	Text string
}

// ValueList is values in parentheses.
type ValueList struct {
	Loc
	Values []Value
}

func (*Word) value()      {}
func (*ValueList) value() {}

func (o *Option) String() string    { return textOf(o) }
func (w *Word) String() string      { return textOf(w) }
func (v *ValueList) String() string { return textOf(v) }

func (w *Word) print(p *printer) { p.add(w.Text) }

func (o *Option) print(p *printer) {
	p.name(o.Name)
	p.add(" = ")
	o.Value.print(p)
}

func (v *ValueList) print(p *printer) {
	p.add("(")
	for i, x := range v.Values {
		p.addIf(i > 0, ", ")
		x.print(p)
	}
	p.add(")")
}
