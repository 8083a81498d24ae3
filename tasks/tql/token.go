package tql

import "fmt"

// tokenKind is the lexical kind of a token.
type tokenKind uint8

const (
	tokEnd     tokenKind = iota
	tokStop              // what the parser sees after a fault, until it resumes
	tokWord              // bare identifier or keyword
	tokDouble            // "name", or a string in some places
	tokBack              // `name`
	tokString            // 'text', E'text'
	tokDollar            // $$text$$
	tokInt               // 42
	tokDecimal           // 1.5
	tokTime              // 2020-01-31
	tokSymbol            // ( ) , ; . -> and operators
	tokBroken            // a malformed number or date, already reported
)

// token is one token. text is the word, number or symbol as written and the contents
// of quotes; upper is a bare word in upper case.
type token struct {
	kind tokenKind
	Loc
	text, upper string
}

// found describes a token for "..., found X".
func (t token) found() string {
	switch t.kind {
	case tokEnd:
		return "the end of the text"
	case tokWord:
		if Reserved(t.text) {
			return t.upper
		}
	case tokString:
		return "a string"
	case tokDollar:
		return "a dollar-quoted text"
	case tokDouble, tokBack:
		return fmt.Sprintf("the name %q", t.text)
	}
	return fmt.Sprintf("%q", t.text)
}

// isName reports whether the token can be a name where one is expected.
func (t token) isName() bool {
	return t.kind == tokDouble || t.kind == tokBack || t.kind == tokWord && !Reserved(t.text)
}
