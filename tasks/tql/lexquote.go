package tql

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoted reads text between quotes; a doubled quote stands for itself.
func (l *lexer) quoted(quote byte, kind tokenKind, what string) {
	rest := l.rest()
	for i := 1; i < len(rest); i++ {
		if rest[i] != quote {
			continue
		}
		if i+1 < len(rest) && rest[i+1] == quote {
			i++
			continue
		}
		q := string(quote)
		l.finishQuoted(kind, i+1, strings.ReplaceAll(rest[1:i], q+q, q))
		return
	}
	l.unterminated(kind, what, string(quote))
}

// finishQuoted emits the token after a check of its encoding.
func (l *lexer) finishQuoted(kind tokenKind, size int, text string) {
	if !utf8.ValidString(text) {
		l.fault(Loc{l.pos, l.pos + size}, "TK105", "the text must be UTF-8.", "invalid UTF-8 inside quotes")
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	l.emit(kind, size, text)
}

func (l *lexer) unterminated(kind tokenKind, what, quote string) {
	l.fault(l.toLineEnd(l.pos), "TK105", "the "+what+" begins here; close it with the quote "+quote+".", "unterminated %s", what)
	l.emit(kind, len(l.rest()), strings.ToValidUTF8(l.rest(), "\uFFFD"))
}

// escaped reads E'...' with the escapes of C.
func (l *lexer) escaped() {
	rest := l.rest()
	var b strings.Builder
	for i := 2; i < len(rest); {
		switch c := rest[i]; {
		case c == '\\' && i+1 < len(rest):
			n := l.escape(&b, l.pos+i)
			i += n
		case c == '\'' && strings.HasPrefix(rest[i:], "''"):
			b.WriteByte('\'')
			i += 2
		case c == '\'':
			l.finishQuoted(tokString, i+1, b.String())
			return
		default:
			b.WriteByte(c)
			i++
		}
	}
	l.unterminated(tokString, "string", "'")
}

var simpleEscapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape decodes the escape at pos and returns its length.
func (l *lexer) escape(b *strings.Builder, pos int) int {
	s := l.text[pos+1:]
	if c, ok := simpleEscapes[s[0]]; ok {
		b.WriteByte(c)
		return 2
	}
	base, digits, width := 0, "", 1
	switch c := s[0]; {
	case c >= '0' && c <= '7':
		base, digits, width = 8, prefixOf(s, 3, "01234567"), 0
	case c == 'x':
		base, digits = 16, prefixOf(s[1:], 2, hexDigits)
	case c == 'u':
		base, digits = 16, exactly(s[1:], 4)
	case c == 'U':
		base, digits = 16, exactly(s[1:], 8)
	default: // \\ \' and any other character stand for themselves
		_, n := utf8.DecodeRuneInString(s)
		b.WriteString(s[:n])
		return 1 + n
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil || v == 0 || v > utf8.MaxRune || !utf8.ValidRune(rune(v)) || base == 8 && v > 255 {
		l.fault(Loc{pos, pos + 1 + width + len(digits)}, "TK105", `the escapes are \n \t \r \b \f \\ \' \101 \x41 \u00e9 \U0001F600.`, "invalid escape")
		return max(2, 1+width+len(digits))
	}
	if base == 8 || s[0] == 'x' {
		b.WriteByte(byte(v)) // a byte of UTF-8, checked as a whole afterwards
	} else {
		b.WriteRune(rune(v))
	}
	return 1 + width + len(digits)
}

const hexDigits = "0123456789abcdefABCDEF"

// prefixOf returns the longest prefix of s of at most n characters out of set.
func prefixOf(s string, n int, set string) string {
	i := 0
	for i < len(s) && i < n && strings.IndexByte(set, s[i]) >= 0 {
		i++
	}
	return s[:i]
}

// exactly returns the first n hexadecimal digits of s, nothing if there are fewer.
func exactly(s string, n int) string {
	if d := prefixOf(s, n, hexDigits); len(d) == n {
		return d
	}
	return ""
}

// dollar reads $$text$$ or $tag$text$tag$.
func (l *lexer) dollar() {
	rest := l.rest()
	n := 1
	if r, _ := utf8.DecodeRuneInString(rest[1:]); nameStart(r) {
		n += wordLength(rest[1:])
		n = 1 + strings.IndexByte(rest[1:1+n-1]+"$", '$') // a tag ends at the first dollar sign
	}
	if n >= len(rest) || rest[n] != '$' {
		l.fault(Loc{l.pos, l.pos + n}, "TK105", "SQL text stands between $$ and $$; raw SQL has its parameters as :anchor and :horizon.", "illegal character '$'")
		l.pos += n
		return
	}
	mark := rest[:n+1]
	body, _, ok := strings.Cut(rest[len(mark):], mark)
	if !ok {
		l.fault(l.toLineEnd(l.pos), "TK105", "the text begins here; close it with the same quote "+mark+".", "unterminated dollar quote")
		l.emit(tokDollar, len(rest), strings.ToValidUTF8(body, "\uFFFD"))
		return
	}
	l.finishQuoted(tokDollar, len(body)+2*len(mark), body)
}
