// Package oip owns the wire format of the Open Inference Protocol, version 2, over HTTP
// (github.com/kserve/open-inference-protocol): requests and answers of tensors, as JSON
// and, where a client asks for it, with binary tensors behind the JSON (the extension
// binary_tensor_data, in the form that Triton's clients send by default).
//
// It knows nothing of models: what a tensor means is the server's.
package oip

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Error refuses a request with a status; the protocol's body for it is {"error": Text}.
type Error struct {
	Status int
	Text   string
}

func (e *Error) Error() string { return e.Text }

func malformed(format string, args ...any) error {
	return &Error{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func wrong(format string, args ...any) error {
	return &Error{http.StatusUnprocessableEntity, fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &Error{http.StatusNotImplemented, fmt.Sprintf(format, args...)}
}

// LengthHeader says how many bytes of a body are its JSON; binary tensors follow.
const LengthHeader = "Inference-Header-Content-Length"

// Extensions are what this package knows beyond the core of the protocol.
var Extensions = []string{"binary_tensor_data"}

// Request is an inference request after all checks of form.
type Request struct {
	ID         string
	Parameters map[string]any // string, bool or json.Number
	Inputs     []Tensor
	Outputs    []Output // nil = all
	Binary     bool     // outputs that are not named are wanted binary
}

// Output is an output that is asked for by name.
type Output struct {
	Name   string
	Binary bool
}

// Tensor is an input. Elements are JSON scalars in row-major order, whole numbers exactly
// as they were written.
type Tensor struct {
	Name     string
	Datatype string
	Shape    []int64
	Elements []json.RawMessage
}

// wireRequest and those below are the JSON as it comes.
type wireRequest struct {
	ID         json.RawMessage            `json:"id"`
	Parameters map[string]json.RawMessage `json:"parameters"`
	Inputs     []wireTensor               `json:"inputs"`
	Outputs    []wireOutput               `json:"outputs"`
}

type wireTensor struct {
	Name       string                     `json:"name"`
	Shape      []int64                    `json:"shape"`
	Datatype   string                     `json:"datatype"`
	Parameters map[string]json.RawMessage `json:"parameters"`
	Data       json.RawMessage            `json:"data"`
}

type wireOutput struct {
	Name       string                     `json:"name"`
	Parameters map[string]json.RawMessage `json:"parameters"`
}

// Parse reads a request. text is its JSON, already known to be well formed and of bounded
// depth, tail the binary tensors behind it. A tensor of more than most elements is refused
// before anything is allocated for it.
func Parse(text, tail []byte, most int) (*Request, error) {
	var w wireRequest
	if err := json.Unmarshal(text, &w); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
			return nil, wrong("%s: found %s, which the protocol does not have there", e.Field, e.Value)
		}
		return nil, wrong("the request is no object with inputs")
	}
	r := &Request{}
	if len(w.ID) > 0 && (w.ID[0] != '"' || json.Unmarshal(w.ID, &r.ID) != nil) {
		return nil, wrong("id is %s, want a string", clip(w.ID))
	}
	var err error
	if r.Parameters, err = parameters("request", w.Parameters); err != nil {
		return nil, err
	}
	r.Binary, _ = r.Parameters["binary_data_output"].(bool)
	seen := map[string]bool{}
	for _, in := range w.Inputs {
		if in.Name == "" || seen[in.Name] {
			return nil, wrong("inputs: the name %q is empty or stands twice", in.Name)
		}
		seen[in.Name] = true
		t, rest, err := in.tensor(tail, most)
		if err != nil {
			return nil, err
		}
		r.Inputs, tail = append(r.Inputs, t), rest
	}
	if len(tail) > 0 {
		return nil, malformed("%d bytes follow that no input names as its binary_data_size", len(tail))
	}
	for _, out := range w.Outputs {
		p, err := parameters("output "+out.Name, out.Parameters)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(r.Outputs, func(o Output) bool { return o.Name == out.Name }) {
			return nil, wrong("outputs: %q stands twice", out.Name)
		}
		if _, ok := p["classification"]; ok {
			return nil, unsupported("output %q: classification is not offered", out.Name)
		}
		binary, given := p["binary_data"].(bool)
		r.Outputs = append(r.Outputs, Output{out.Name, binary || !given && r.Binary})
	}
	return r, nil
}

// parameters reads parameters, which are strings, numbers or booleans only.
func parameters(of string, raw map[string]json.RawMessage) (map[string]any, error) {
	out := map[string]any{}
	for name, v := range raw {
		switch v[0] {
		case '{', '[', 'n':
			return nil, wrong("parameter %q of the %s is %s, want a string, a number or a boolean", name, of, clip(v))
		case '"', 't', 'f':
			var value any
			if err := json.Unmarshal(v, &value); err != nil {
				return nil, malformed("parameter %q of the %s: %v", name, of, err)
			}
			out[name] = value
		default:
			out[name] = json.Number(v)
		}
	}
	return out, nil
}

// clip shortens what a client sent for a message.
func clip(v []byte) string {
	const most = 60
	if len(v) > most {
		return strings.ToValidUTF8(string(v[:most]), "") + "..."
	}
	return string(v)
}
