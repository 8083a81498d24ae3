package csvdir

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word, a quoted name, a literal or a sign of schema.sql.
type token struct {
	text string // a word in lower case, the name within quotes, or the sign
	kind tokenKind
	line int
}

type tokenKind byte

const (
	word    tokenKind = iota // identifier or keyword without quotes, or a number
	quoted                   // identifier in double quotes
	literal                  // text in single quotes or dollar quotes
	sign
)

// is reports whether the token is that keyword or sign.
func (t token) is(text string) bool { return (t.kind == word || t.kind == sign) && t.text == text }

// name reports whether the token can be a name.
func (t token) name() bool {
	return t.kind == quoted || t.kind == word && !unicode.IsDigit(rune(t.text[0]))
}

// lexer parts schema.sql into tokens. Comments, commands of psql and the rows of a COPY
// ... FROM stdin are passed over.
type lexer struct {
	text string
	at   int
	line int
	out  []token
	copy bool // the statement that is being read is a COPY
}

func tokens(text string) []token {
	l := &lexer{text: text, line: 1}
	for l.at < len(l.text) {
		l.one()
	}
	return l.out
}

func (l *lexer) one() {
	rest := l.text[l.at:]
	c, size := utf8.DecodeRuneInString(rest)
	switch {
	case strings.HasPrefix(rest, "--"), c == '\\' && l.begins():
		l.skip(strings.IndexByte(rest, '\n'))
	case strings.HasPrefix(rest, "/*"):
		l.skip(end(rest, "*/", 2))
	case unicode.IsSpace(c):
		l.skip(size)
	case c == '\'':
		l.add(literal, l.quotes(rest, '\''))
	case c == '"':
		l.add(quoted, l.quotes(rest, '"'))
	case c == '$' && dollar(rest) != "":
		tag := dollar(rest)
		l.add(literal, end(rest, tag, len(tag)))
	case letter(c) || unicode.IsDigit(c):
		n := strings.IndexFunc(rest, func(c rune) bool { return !letter(c) && !unicode.IsDigit(c) && c != '$' })
		l.add(word, n)
	default:
		l.add(sign, size)
	}
}

func letter(c rune) bool { return c == '_' || unicode.IsLetter(c) }

// begins reports whether a line begins here.
func (l *lexer) begins() bool { return l.at == 0 || l.text[l.at-1] == '\n' }

// skip goes n bytes on, to the end of the text where n is negative.
func (l *lexer) skip(n int) {
	if n < 0 {
		n = len(l.text) - l.at
	}
	l.line += strings.Count(l.text[l.at:l.at+n], "\n")
	l.at += n
}

func (l *lexer) add(kind tokenKind, n int) {
	if n < 0 {
		n = len(l.text) - l.at
	}
	t := token{text: l.text[l.at : l.at+n], kind: kind, line: l.line}
	switch kind {
	case word:
		t.text = strings.ToLower(t.text)
		if len(l.out) == 0 || l.out[len(l.out)-1].is(";") {
			l.copy = t.text == "copy"
		}
	case quoted:
		t.text = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(t.text, `"`), `"`), `""`, `"`)
	}
	l.out = append(l.out, t)
	l.skip(n)
	if t.is(";") && l.copy {
		l.copy = false
		if len(l.out) > 1 && l.out[len(l.out)-2].is("stdin") {
			l.skip(end(l.text[l.at:], "\n\\.", 0))
		}
	}
}

// quotes is the length of a text within quotes, of which two stand for one.
func (l *lexer) quotes(rest string, quote byte) int {
	for i := 1; i < len(rest); i++ {
		if rest[i] != quote {
			continue
		}
		if i+1 == len(rest) || rest[i+1] != quote {
			return i + 1
		}
		i++
	}
	return -1
}

// end is the length of rest up to the end of the first mark from a position on, -1 for
// none.
func end(rest, mark string, from int) int {
	if i := strings.Index(rest[min(from, len(rest)):], mark); i >= 0 {
		return from + i + len(mark)
	}
	return -1
}

// dollar is the mark $tag$ with which rest begins, "" for none.
func dollar(rest string) string {
	i := strings.IndexByte(rest[1:], '$')
	if i < 0 || strings.IndexFunc(rest[1:1+i], func(c rune) bool { return !letter(c) && !unicode.IsDigit(c) }) >= 0 {
		return ""
	}
	return rest[:i+2]
}
