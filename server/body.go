package server

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The names that "outputs" may list.
var outputNames = []string{"prediction", "probability", "probabilities"}

// predictBody is the request body of predict after all checks.
type predictBody struct {
	entities []json.RawMessage // one JSON value per entity, without white space between tokens
	anchor   time.Time         // zero = not given
	outputs  []string          // nil = all
	top      int               // 0 = no explanation
	interval float64           // 0 = none
}

// readBody returns the body of a JSON request within the limits.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if err := checkMediaType(r); err != nil {
		return nil, err
	}
	return s.readAll(w, r)
}

// readAll returns the body within the limits.
func (s *Server) readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := s.limits.BodyBytes
	tooLarge := newProblem(http.StatusRequestEntityTooLarge, fault{Code: "body_too_large",
		Detail: fmt.Sprintf("the body has more than %d bytes", limit),
		Hint:   "send the entities in several requests; GET /v1/limits shows every limit"})
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return nil, tooLarge
	}
	plain, err := unpacked(r, http.MaxBytesReader(w, r.Body, limit))
	var data []byte
	if err == nil { // the limit holds before decompression and after it
		data, err = io.ReadAll(io.LimitReader(plain, limit+1))
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over || int64(len(data)) > limit {
		w.Header().Set("Connection", "close")
		return nil, tooLarge
	}
	switch other := (*problem)(nil); {
	case errors.As(err, &other):
		return nil, err
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, newProblem(http.StatusRequestTimeout, fault{Code: "body_too_slow",
			Detail: "the body was not complete after " + s.limits.ReadTime.String()})
	case err != nil && r.Context().Err() != nil:
		return nil, r.Context().Err()
	case err != nil && r.Header.Get("Content-Encoding") != "" && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, newProblem(http.StatusBadRequest, fault{Code: "malformed_body", Detail: "the body is not " + clip(r.Header.Get("Content-Encoding"))})
	case err != nil:
		return nil, newProblem(http.StatusBadRequest, fault{Code: "malformed_body", Detail: "the body ended early"})
	}
	// The deadline of reading has done its work. Left in place it would end the
	// request's context in the middle of a long prediction.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // not every writer has one
	return data, nil
}

// checkMediaType demands JSON by name. A browser form of a foreign page cannot send that
// without asking first, so a missing type is refused too.
func checkMediaType(r *http.Request) error {
	unsupported := func(detail, hint string) error {
		return newProblem(http.StatusUnsupportedMediaType, fault{Code: "media_type", Detail: detail, Hint: hint})
	}
	have := r.Header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(have)
	if err != nil || media != "application/json" {
		return unsupported(fmt.Sprintf("the Content-Type is %q, want application/json", have),
			"add the header Content-Type: application/json")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return unsupported(fmt.Sprintf("the charset is %q, want utf-8", charset), "")
	}
	return nil
}

// unpacked returns a reader of the body as it was before compression.
func unpacked(r *http.Request, body io.Reader) (io.Reader, error) {
	switch enc := r.Header.Get("Content-Encoding"); strings.ToLower(enc) {
	case "", "identity":
		return body, nil
	case "gzip":
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, err
		}
		return z, nil
	default:
		return nil, newProblem(http.StatusUnsupportedMediaType, fault{Code: "media_type",
			Detail: fmt.Sprintf("the Content-Encoding is %q, want gzip or none", clip(enc)), Hint: "send the body uncompressed"})
	}
}

// parsePredict reads the body of predict. A malformed body is a 400, a well-formed one
// that is wrong a 422 with all its faults. Keys are not judged here, see [checkKey].
func parsePredict(data []byte, limits Limits) (*predictBody, error) {
	if err := checkJSON(data, limits.JSONDepth); err != nil {
		return nil, err
	}
	b := &predictBody{}
	var faults []fault
	fields, ok := objectFields(data)
	if !ok {
		faults = append(faults, fault{Code: "wrong_type", Detail: "the body is " + kindOf(data) + ", want an object",
			Hint: `{"entities": [42]}`})
	}
	seen := map[string]bool{}
	for _, f := range fields {
		bad := readField(b, f, seen[f.name], limits)
		if bad != nil {
			bad.Pointer = "/" + pointerEscape.Replace(f.name) + bad.Pointer
			faults = append(faults, *bad)
		}
		seen[f.name] = true
	}
	if ok && !seen["entities"] {
		faults = append(faults, fault{Code: "missing_field", Detail: `"entities" is missing`,
			Hint: `{"entities": [42]}`, Pointer: "/entities"})
	}
	if len(faults) > 0 {
		return nil, newProblem(http.StatusUnprocessableEntity, faults...)
	}
	return b, nil
}

// pointerEscape writes a name as part of a JSON pointer (RFC 6901).
var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// readField reads one field of the body. The pointer of a fault is relative to the field.
func readField(b *predictBody, f field, again bool, l Limits) *fault {
	if again {
		return &fault{Code: "duplicate_field", Detail: fmt.Sprintf("%q stands twice", clip(f.name))}
	}
	switch f.name {
	case "entities":
		return readEntities(b, f.value, l)
	case "anchor":
		return readAnchor(b, f.value)
	case "explain":
		return readExplain(b, f.value, l)
	case "interval":
		return readInterval(b, f.value)
	case "outputs":
		return readOutputs(b, f.value)
	}
	return &fault{Code: "unknown_field", Detail: fmt.Sprintf("unknown field %q", clip(f.name)),
		Hint: "known: entities, anchor, explain, interval, outputs"}
}

func readInterval(b *predictBody, v json.RawMessage) *fault {
	if isNull(v) {
		return nil
	}
	if json.Unmarshal(v, &b.interval) != nil || !(b.interval > 0 && b.interval < 1) {
		return &fault{Code: "wrong_value", Detail: fmt.Sprintf(`"interval" is %s, want a number between 0 and 1`, clip(string(v))),
			Hint: `{"interval": 0.9} is to hold nine values of ten`}
	}
	return nil
}

func readEntities(b *predictBody, v json.RawMessage, l Limits) *fault {
	if json.Unmarshal(v, &b.entities) != nil || b.entities == nil {
		return &fault{Code: "wrong_type", Detail: `"entities" is ` + kindOf(v) + ", want an array of keys", Hint: `{"entities": [42, 57]}`}
	}
	switch n := len(b.entities); {
	case n == 0:
		return &fault{Code: "no_entities", Detail: `"entities" is empty, want at least one key`}
	case n > l.Entities:
		return &fault{Code: "TK164", Detail: fmt.Sprintf("%d entities, want at most %d", n, l.Entities),
			Hint: "send them in several requests, or use rowlink predict"}
	}
	for i, raw := range b.entities {
		var compact bytes.Buffer
		if json.Compact(&compact, raw) == nil {
			b.entities[i] = compact.Bytes()
		}
	}
	return nil
}

func readAnchor(b *predictBody, v json.RawMessage) *fault {
	if isNull(v) {
		return nil
	}
	const form = `such as "2020-09-22T00:00:00Z"`
	var text string
	if json.Unmarshal(v, &text) != nil {
		return &fault{Code: "wrong_type", Detail: `"anchor" is ` + kindOf(v) + ", want a text", Hint: form}
	}
	var at time.Time
	if at.UnmarshalText([]byte(text)) != nil { // stricter than time.Parse
		return &fault{Code: "TK106", Detail: fmt.Sprintf(`"anchor" is %q, want an RFC 3339 instant`, clip(text)), Hint: form}
	}
	b.anchor = at.UTC().Truncate(time.Microsecond)
	if b.anchor.IsZero() {
		return &fault{Code: "TK106", Detail: `"anchor" is the year 1, want an instant of your data`, Hint: form}
	}
	return nil
}

func readExplain(b *predictBody, v json.RawMessage, l Limits) *fault {
	if isNull(v) {
		return nil
	}
	const form = `{"explain": {"top": 5}}`
	fields, ok := objectFields(v)
	if !ok {
		return &fault{Code: "wrong_type", Detail: `"explain" is ` + kindOf(v) + ", want an object", Hint: form}
	}
	for _, f := range fields {
		switch {
		case f.name != "top":
			return &fault{Code: "unknown_field", Detail: fmt.Sprintf(`unknown field %q of "explain"`, clip(f.name)),
				Hint: "known: top", Pointer: "/" + pointerEscape.Replace(f.name)}
		case json.Unmarshal(f.value, &b.top) != nil || b.top < 1 || b.top > l.ExplainTop:
			return &fault{Code: "wrong_value", Hint: form, Pointer: "/top",
				Detail: fmt.Sprintf(`"top" is %s, want a whole number from 1 to %d`, clip(string(f.value)), l.ExplainTop)}
		}
	}
	if b.top == 0 {
		return &fault{Code: "missing_field", Detail: `"explain" has no "top"`, Hint: form, Pointer: "/top"}
	}
	return nil
}

func readOutputs(b *predictBody, v json.RawMessage) *fault {
	if isNull(v) {
		return nil
	}
	hint := "known: " + strings.Join(outputNames, ", ")
	if json.Unmarshal(v, &b.outputs) != nil {
		return &fault{Code: "wrong_type", Detail: `"outputs" is ` + kindOf(v) + ", want an array of names", Hint: hint}
	}
	for i, name := range b.outputs {
		if !slices.Contains(outputNames, name) {
			return &fault{Code: "wrong_value", Detail: fmt.Sprintf("unknown output %q", clip(name)), Hint: hint,
				Pointer: fmt.Sprintf("/%d", i)}
		}
	}
	return nil
}

// wants reports whether an output was asked for.
func (b *predictBody) wants(output string) bool {
	return b.outputs == nil || slices.Contains(b.outputs, output)
}

// checkKey says what is wrong with the shape of an entity's key, "" if it may be one. Its
// type and value are the backend's to judge.
func checkKey(raw json.RawMessage) string {
	if raw[0] != '[' {
		if isScalar(raw) {
			return ""
		}
		return "the key is " + kindOf(raw) + ", want a number, a text or, for a composite key, an array of those"
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
		return "the key is an empty array, want one value per key column"
	}
	for i, part := range parts {
		if !isScalar(part) {
			return fmt.Sprintf("part %d of the key is %s, want a number or a text", i+1, kindOf(part))
		}
	}
	return ""
}

func isScalar(raw json.RawMessage) bool { return !strings.ContainsRune("[{n", rune(raw[0])) }

func isNull(raw json.RawMessage) bool { return raw[0] == 'n' }

// kindOf names the kind of a well-formed JSON value.
func kindOf(raw []byte) string {
	switch raw = bytes.TrimLeft(raw, " \t\r\n"); raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a text"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// clip shortens text of the client for a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	for most := most; ; most-- {
		if utf8.RuneStart(s[most]) {
			return s[:most] + "..."
		}
	}
}
