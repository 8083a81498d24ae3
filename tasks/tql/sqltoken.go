package tql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// SQLKind is the lexical kind of a token of SQL.
type SQLKind uint8

// The kinds. Strings and comments hold nothing that a database would look up.
const (
	SQLWord      SQLKind = iota // bare word or keyword
	SQLQuoted                   // "name", [name] or `name`; Text is the name
	SQLString                   // 'text', E'text', $tag$text$tag$; Text is the contents as written
	SQLNumber                   // 1, 1.5, 1e9
	SQLParameter                // :name; Text is the name
	SQLSymbol                   // one character, or :: and the like as single characters
	SQLBroken                   // a quote or comment without end, or U&"..."
)

// SQLToken is one token of a body. Pos and End are bytes of the body.
type SQLToken struct {
	Kind SQLKind
	Text string
	Loc
}

// SQLTokens cuts SQL into tokens as PostgreSQL does with standard_conforming_strings;
// comments are left out. What it does not understand is SQLBroken.
func SQLTokens(text string) []SQLToken {
	l := &sqlLexer{text: text}
	for l.pos < len(text) {
		l.next()
	}
	return l.out
}

type sqlLexer struct {
	text string
	pos  int
	out  []SQLToken
}

func (l *sqlLexer) emit(kind SQLKind, end int, text string) {
	l.out = append(l.out, SQLToken{kind, text, Loc{l.pos, end}})
	l.pos = end
}

func (l *sqlLexer) next() {
	rest := l.text[l.pos:]
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.IsSpace(r):
		l.pos += size
	case strings.HasPrefix(rest, "--"):
		n := strings.IndexAny(rest, "\r\n")
		if n < 0 {
			n = len(rest)
		}
		l.pos += n
	case strings.HasPrefix(rest, "/*"):
		l.comment()
	case r == '\'':
		l.quoted(1, '\'', false, SQLString)
	case r == '"':
		l.quoted(1, '"', false, SQLQuoted)
	case (r == 'e' || r == 'E') && strings.HasPrefix(rest[1:], "'"):
		l.quoted(2, '\'', true, SQLString)
	case strings.ContainsRune("bBxXnN", r) && strings.HasPrefix(rest[1:], "'"):
		l.quoted(2, '\'', false, SQLString)
	case (r == 'u' || r == 'U') && len(rest) > 2 && rest[1] == '&' && (rest[2] == '"' || rest[2] == '\''):
		l.emit(SQLBroken, l.pos+3, rest[:3])
	case r == '$':
		l.dollar()
	case nameStart(r):
		n := wordLength(rest)
		l.emit(SQLWord, l.pos+n, rest[:n])
	case digit(r):
		n := 0
		for n < len(rest) && (digit(rune(rest[n])) || rest[n] == '.' || rest[n] == '_' || rest[n] == 'e' || rest[n] == 'E') {
			n++
		}
		l.emit(SQLNumber, l.pos+n, rest[:n])
	case strings.HasPrefix(rest, "::"):
		l.emit(SQLSymbol, l.pos+2, "::")
	case r == ':' && len(rest) > 1:
		if next, _ := utf8.DecodeRuneInString(rest[1:]); nameStart(next) {
			n := wordLength(rest[1:])
			l.emit(SQLParameter, l.pos+1+n, rest[1:1+n])
			return
		}
		l.emit(SQLSymbol, l.pos+1, ":")
	default:
		l.emit(SQLSymbol, l.pos+size, rest[:size])
	}
}

func (l *sqlLexer) comment() {
	depth := 0
	for i := l.pos; i < len(l.text); {
		switch {
		case strings.HasPrefix(l.text[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(l.text[i:], "*/"):
			i += 2
			if depth--; depth == 0 {
				l.pos = i
				return
			}
		default:
			i++
		}
	}
	l.emit(SQLBroken, len(l.text), "/*")
}

// quoted reads up to the closing quote, which doubled stands for itself.
func (l *sqlLexer) quoted(open int, quote byte, backslash bool, kind SQLKind) {
	for i := l.pos + open; i < len(l.text); i++ {
		switch {
		case backslash && l.text[i] == '\\':
			i++
		case l.text[i] == quote && i+1 < len(l.text) && l.text[i+1] == quote:
			i++
		case l.text[i] == quote:
			q := string(quote)
			l.emit(kind, i+1, strings.ReplaceAll(l.text[l.pos+open:i], q+q, q))
			return
		}
	}
	l.emit(SQLBroken, len(l.text), string(quote))
}

func (l *sqlLexer) dollar() {
	rest := l.text[l.pos:]
	n := 1
	for n < len(rest) && rest[n] != '$' && (rest[n] == '_' || rest[n] >= 0x80 || digit(rune(rest[n])) && n > 1 || nameStart(rune(rest[n]))) {
		n++
	}
	if n >= len(rest) || rest[n] != '$' {
		l.emit(SQLBroken, l.pos+1, "$")
		return
	}
	mark := rest[:n+1]
	end := strings.Index(rest[len(mark):], mark)
	if end < 0 {
		l.emit(SQLBroken, len(l.text), mark)
		return
	}
	l.emit(SQLString, l.pos+2*len(mark)+end, rest[len(mark):len(mark)+end])
}
