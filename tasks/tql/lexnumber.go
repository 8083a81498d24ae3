package tql

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	// three groups of digits without blanks: a date, or meant as one
	dateLike = regexp.MustCompile(`^(?:[0-9]+[-/][0-9]+[-/][0-9]+|[0-9]+\.[0-9]+\.[0-9]+)`)
	// what may follow a date and looks like a time of day
	clockLike  = regexp.MustCompile(`^(?:[ ][0-9]+|[Tt][0-9]*):[0-9:]*(?:\.[0-9]+)?`)
	zoneLike   = regexp.MustCompile(`^(?:[Zz]|[+-][0-9]+(?::[0-9]+)?)`)
	numberLike = regexp.MustCompile(`^(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?`)
	notANumber = regexp.MustCompile(`^[0-9.]+`)
)

const (
	dateHint   = "write 2020-01-31, 2020-01-31 14:30 or 2020-01-31T14:30:00+02; arithmetic needs blanks: 2020 - 01 - 31."
	numberHint = "numbers are written 42, 1.5, .5 or 1e-9."
)

// number reads an integer, a decimal or a date with its time.
func (l *lexer) number() {
	rest := l.rest()
	if date := dateLike.FindString(rest); date != "" {
		n := len(date)
		n += len(clockLike.FindString(rest[n:]))
		n += len(zoneLike.FindString(rest[n:]))
		n += wordLength(rest[n:])
		l.date(rest[:n])
		return
	}
	n := len(numberLike.FindString(rest))
	kind := tokInt
	if strings.ContainsAny(rest[:n], ".eE") {
		kind = tokDecimal
	}
	if tail := rest[n:]; tail != "" && tail[0] == '.' {
		l.brokenNumber(n + len(notANumber.FindString(tail)))
		return
	}
	// 30days is two tokens, 30x is a slip
	if r, _ := utf8.DecodeRuneInString(rest[n:]); nameStart(r) {
		if w := rest[n : n+wordLength(rest[n:])]; !isKeyword(w) {
			l.brokenNumber(n + len(w))
			return
		}
	}
	l.emit(kind, n, rest[:n])
}

func (l *lexer) date(text string) {
	if _, err := ParseDateTime(text); err != nil {
		l.fault(Loc{l.pos, l.pos + len(text)}, "TK106", dateHint, "malformed date: %v", err)
		l.emit(tokBroken, len(text), text)
		return
	}
	l.emit(tokTime, len(text), text)
}

func (l *lexer) brokenNumber(n int) {
	text := l.rest()[:n]
	l.fault(Loc{l.pos, l.pos + n}, "TK106", numberHint, "malformed number %q", text)
	l.emit(tokBroken, n, text)
}

func isKeyword(word string) bool {
	if _, ok := parseUnit(word); ok {
		return true
	}
	return Reserved(word) || slices.Contains(contextual, upper(word))
}
