package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"
)

// checkJSON answers 400 unless data is one JSON text in UTF-8 (RFC 8259) of at most the
// given nesting. The nesting is counted before any parser recurses.
func checkJSON(data []byte, depth int) error {
	if !utf8.Valid(data) {
		return newProblem(http.StatusBadRequest, fault{Code: "malformed_json", Detail: "the body is not UTF-8"})
	}
	if at := tooDeep(data, depth); at >= 0 {
		line, column := position(data, at)
		return newProblem(http.StatusBadRequest, fault{Code: "json_too_deep", Line: line, Column: column,
			Detail: fmt.Sprintf("the body is nested more than %d deep", depth)})
	}
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return newProblem(http.StatusBadRequest, fault{Code: "malformed_json", Detail: "the body is empty", Hint: `{"entities": [42]}`})
	}
	var whole json.RawMessage
	err := json.Unmarshal(data, &whole)
	if err == nil {
		return nil
	}
	f := fault{Code: "malformed_json", Detail: "the body is not JSON: " + err.Error()}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		// The offset counts the byte that was one too many.
		f.Line, f.Column = position(data, max(0, int(syntax.Offset)-1))
	}
	return newProblem(http.StatusBadRequest, f)
}

// tooDeep returns the offset of the first bracket that opens more than depth levels, -1
// if there is none. It minds texts and their escapes and nothing else.
func tooDeep(data []byte, depth int) int {
	level, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if level++; level > depth {
				return i
			}
		case c == '}' || c == ']':
			level--
		}
	}
	return -1
}

// position returns line and column, both from 1, of a byte offset.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}

// field is one name and value of an object, as written.
type field struct {
	name  string
	value json.RawMessage
}

// objectFields returns the fields of a well-formed object in order, doublets included.
// ok is false for any other value.
func objectFields(data []byte) (fields []field, ok bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, false
		}
		f := field{name: name.(string)} // the decoder gives no other token here
		if err := d.Decode(&f.value); err != nil {
			return nil, false
		}
		fields = append(fields, f)
	}
	return fields, true
}
