package tql

import (
	"strconv"
	"strings"
)

// LiteralKind is the lexical kind of a constant.
type LiteralKind uint8

// The literal kinds.
const (
	LitNull LiteralKind = iota
	LitBool
	LitInt
	LitDecimal
	LitString
	LitTime      // 2020-01-31 10:00, unquoted
	LitDate      // DATE '2020-01-31'
	LitTimestamp // TIMESTAMP '2020-01-31 10:00'
	LitInterval  // INTERVAL '7 days'
)

// Literal is a constant. Text is TRUE, FALSE, NULL, the digits as written (with a
// leading minus where the grammar asks for a constant), or the text without quotes.
type Literal struct {
	Loc
	Kind LiteralKind
	Text string
}

func (l *Literal) String() string { return textOf(l) }
func (*Literal) prec() int        { return precPrimary }
func (*Literal) children() []Expr { return nil }
func (*Literal) value()           {}

// IsNumber reports whether l is an integer or a decimal number.
func (l *Literal) IsNumber() bool { return l.Kind == LitInt || l.Kind == LitDecimal }

// Float returns the value of a number, false for other kinds and out of range.
func (l *Literal) Float() (float64, bool) {
	if !l.IsNumber() {
		return 0, false
	}
	v, err := strconv.ParseFloat(l.Text, 64)
	return v, err == nil
}

// Int returns the value of an integer, false for other kinds and out of range.
func (l *Literal) Int() (int64, bool) {
	if l.Kind != LitInt {
		return 0, false
	}
	v, err := strconv.ParseInt(l.Text, 10, 64)
	return v, err == nil
}

// Time returns the moment of a time literal, or of a string that reads as one.
func (l *Literal) Time() (DateTime, bool) {
	switch l.Kind {
	case LitTime, LitDate, LitTimestamp, LitString:
		d, err := ParseDateTime(l.Text)
		return d, err == nil
	}
	return DateTime{}, false
}

var literalPrefix = map[LiteralKind]string{
	LitDate: "DATE ", LitTimestamp: "TIMESTAMP ", LitInterval: "INTERVAL ",
}

func (l *Literal) print(p *printer) {
	switch l.Kind {
	case LitString, LitDate, LitTimestamp, LitInterval:
		p.add(literalPrefix[l.Kind])
		p.quoted('\'', l.Text)
	default:
		p.add(l.Text)
	}
}

func (l *Literal) canon(canonScope) Expr { return l.normal() }

// normal writes numbers without needless zeros and times in one form.
func (l *Literal) normal() *Literal {
	n := *l
	switch l.Kind {
	case LitInt, LitDecimal:
		n.Text = normalNumber(l.Text)
	case LitTime, LitDate, LitTimestamp:
		if d, ok := l.Time(); ok {
			n.Kind, n.Text = LitTimestamp, d.String()
		}
	case LitInterval:
		if iv, err := ParseInterval(l.Text); err == nil {
			n.Text = iv.String()
		}
	}
	return &n
}

// normalNumber drops leading zeros, writes the zero before a leading point, and
// writes the exponent in lower case.
func normalNumber(s string) string {
	s, neg := strings.CutPrefix(strings.ToLower(s), "-")
	s = strings.TrimLeft(s, "0")
	if s == "" || s[0] == '.' || s[0] == 'e' {
		s = "0" + s
	}
	if neg && s != "0" {
		s = "-" + s
	}
	return s
}
