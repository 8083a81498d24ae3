package tql

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity ranks a message.
type Severity string

// The severities.
const (
	SeverityError   Severity = "ERROR"
	SeverityWarning Severity = "WARNING"
	SeverityNotice  Severity = "NOTICE"
)

// An Error is one message about the byte range [Pos, End) of Text. Code is one of the
// TK codes of the language reference. A range of length 0 is a place between tokens.
type Error struct {
	Code     string
	Severity Severity
	Message  string
	Detail   string // optional
	Hint     string // what to write instead; optional
	Text     string // the whole text that was read
	Pos, End int
	Pointer  string // JSON pointer to the text in a request; set by a server
}

// newError returns an error at a place of text.
func newError(text string, at Loc, code, format string, args ...any) *Error {
	return &Error{
		Code: code, Severity: SeverityError, Message: fmt.Sprintf(format, args...),
		Text: text, Pos: at.Pos, End: at.End,
	}
}

// Error returns one line: line:column: code: message.
func (e *Error) Error() string {
	return fmt.Sprintf("%d:%d: %s: %s", e.Line(), e.Column(), e.Code, e.Message)
}

// Line returns the line of Pos, from 1.
func (e *Error) Line() int { return 1 + strings.Count(e.Text[:e.Pos], "\n") }

// Column returns the place of Pos in its line, from 1, in characters.
func (e *Error) Column() int { return 1 + utf8.RuneCountInString(e.Text[e.lineStart():e.Pos]) }

// Length returns the length of the range in characters.
func (e *Error) Length() int { return utf8.RuneCountInString(e.Text[e.Pos:e.End]) }

func (e *Error) lineStart() int { return 1 + strings.LastIndexByte(e.Text[:e.Pos], '\n') }

// Pretty returns the message laid out as Postgres does: the line with carets under the
// range, DETAIL and HINT. It ends without a line break.
func (e *Error) Pretty() string {
	start := e.lineStart()
	line, _, _ := strings.Cut(e.Text[start:], "\n")
	line = strings.TrimSuffix(line, "\r")
	label := fmt.Sprintf("LINE %d: ", e.Line())

	// a tab stays a tab, so that the carets stand right whatever its width
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, label+e.Text[start:e.Pos])
	last := max(min(e.End, start+len(line)), e.Pos)
	carets := strings.Repeat("^", max(1, utf8.RuneCountInString(e.Text[e.Pos:last])))

	s := fmt.Sprintf("%s:  %s: %s\n%s%s\n%s%s", e.Severity, e.Code, e.Message, label, line, pad, carets)
	if e.Detail != "" {
		s += "\nDETAIL:  " + e.Detail
	}
	if e.Hint != "" {
		s += "\nHINT:  " + e.Hint
	}
	return s
}

// MarshalJSON writes code, severity, message, detail, hint, line, column, length (in
// characters, from 1) and pointer; empty texts are left out.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code     string   `json:"code"`
		Severity Severity `json:"severity"`
		Message  string   `json:"message"`
		Detail   string   `json:"detail,omitempty"`
		Hint     string   `json:"hint,omitempty"`
		Line     int      `json:"line"`
		Column   int      `json:"column"`
		Length   int      `json:"length"`
		Pointer  string   `json:"pointer,omitempty"`
	}{e.Code, e.Severity, e.Message, e.Detail, e.Hint, e.Line(), e.Column(), e.Length(), e.Pointer})
}

// Errors are the faults found in one pass, in the order of the text.
type Errors []*Error

// Error returns one line per fault.
func (l Errors) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the faults for errors.As.
func (l Errors) Unwrap() []error {
	out := make([]error, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

// Pretty returns the messages in the layout of [Error.Pretty], an empty line between.
func (l Errors) Pretty() string {
	parts := make([]string, len(l))
	for i, e := range l {
		parts[i] = e.Pretty()
	}
	return strings.Join(parts, "\n\n")
}

// Sort orders the faults by place; those at one place stay in the order found.
func (l Errors) Sort() {
	slices.SortStableFunc(l, func(a, b *Error) int { return a.Pos - b.Pos })
}

// err returns l as an error, nil if it is empty.
func (l Errors) err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}
