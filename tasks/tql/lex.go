package tql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer cuts a text into tokens. Faults (TK105, TK106) are collected; a token is made
// all the same, so that the parser can go on.
type lexer struct {
	text string
	pos  int
	toks []token
	errs Errors
}

// symbols, longest first: the longest match wins.
var symbols = []string{"->", "<=", ">=", "<>", "!=", "==", "(", ")", ",", ";", ".", "*", "/", "+", "-", "=", "<", ">"}

// lex returns the tokens of text, the last of kind tokEnd.
func lex(text string) ([]token, Errors) {
	l := &lexer{text: text}
	for l.pos < len(text) {
		l.next()
	}
	l.toks = append(l.toks, token{kind: tokEnd, Loc: Loc{len(text), len(text)}})
	return l.toks, l.errs
}

func (l *lexer) rest() string { return l.text[l.pos:] }

func (l *lexer) fault(at Loc, code, hint, format string, args ...any) {
	e := newError(l.text, at, code, format, args...)
	e.Hint = hint
	l.errs = append(l.errs, e)
}

// emit appends a token of n bytes and moves behind it.
func (l *lexer) emit(kind tokenKind, n int, text string) {
	t := token{kind: kind, Loc: Loc{l.pos, l.pos + n}, text: text}
	if kind == tokWord {
		t.upper = upper(text)
	}
	l.toks = append(l.toks, t)
	l.pos += n
}

// next reads one token or one stretch between tokens.
func (l *lexer) next() {
	rest := l.rest()
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.IsSpace(r) || r == '\uFEFF' && l.pos == 0:
		l.pos += size
	case r == '#' || strings.HasPrefix(rest, "--"):
		line, _, _ := strings.Cut(rest, "\n")
		l.pos += len(line)
	case strings.HasPrefix(rest, "/*"):
		l.comment()
	case (r == 'e' || r == 'E') && strings.HasPrefix(rest[1:], "'"):
		l.escaped()
	case nameStart(r):
		n := wordLength(rest)
		l.emit(tokWord, n, rest[:n])
	case r == '"':
		l.quoted('"', tokDouble, "double-quoted text")
	case r == '`':
		l.quoted('`', tokBack, "back-quoted name")
	case r == '\'':
		l.quoted('\'', tokString, "string")
	case r == '$':
		l.dollar()
	case digit(r) || r == '.' && len(rest) > 1 && digit(rune(rest[1])):
		l.number()
	default:
		l.symbol(r, size)
	}
}

func (l *lexer) symbol(r rune, size int) {
	for _, s := range symbols {
		if strings.HasPrefix(l.rest(), s) {
			l.emit(tokSymbol, len(s), s)
			return
		}
	}
	at := Loc{l.pos, l.pos + size}
	hint := "remove it; only names, numbers, strings and operators stand here."
	switch {
	case r == utf8.RuneError && size == 1:
		l.fault(at, "TK105", "the text must be UTF-8.", "invalid UTF-8")
		l.pos += size
		return
	case strings.ContainsRune("‘’‚‛′", r):
		hint = "use straight quotes: 'text'."
	case strings.ContainsRune("“”„″", r):
		hint = "use straight quotes: 'text' for a string, \"name\" for a name."
	case strings.ContainsRune("–—−", r):
		hint = "use the plain minus sign -."
	case strings.ContainsRune("≤≥≠", r):
		hint = "write <=, >= or <>."
	case r == '[' || r == '{':
		hint = "lists and tuples stand in parentheses: (1, 2)."
	case r == '%':
		hint = "there is no % operator; % is a wildcard inside a LIKE pattern."
	}
	l.fault(at, "TK105", hint, "illegal character %q", r)
	l.pos += size
}

// comment skips a block comment with those nested in it.
func (l *lexer) comment() {
	start, depth := l.pos, 0
	for l.pos < len(l.text) {
		switch {
		case strings.HasPrefix(l.rest(), "/*"):
			depth++
			l.pos += 2
		case strings.HasPrefix(l.rest(), "*/"):
			depth--
			l.pos += 2
			if depth == 0 {
				return
			}
		default:
			l.pos++
		}
	}
	l.fault(l.toLineEnd(start), "TK105", "the comment begins here; close it with */ (comments nest).", "unterminated comment")
}

// toLineEnd is the range from start to the end of its line.
func (l *lexer) toLineEnd(start int) Loc {
	line, _, _ := strings.Cut(l.text[start:], "\n")
	return Loc{start, start + len(strings.TrimRight(line, "\r"))}
}

func digit(r rune) bool     { return r >= '0' && r <= '9' }
func nameStart(r rune) bool { return r == '_' || unicode.IsLetter(r) }

// wordLength returns the length in bytes of the identifier at the start of s.
func wordLength(s string) int {
	for i, r := range s {
		if !nameStart(r) && !digit(r) && r != '$' && (r < 0x80 || !unicode.In(r, unicode.Digit, unicode.Mark)) {
			return i
		}
	}
	return len(s)
}
