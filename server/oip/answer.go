package oip

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
)

// Answer is an inference answer.
type Answer struct {
	Model      string         `json:"model_name"`
	Version    string         `json:"model_version,omitempty"`
	ID         string         `json:"id,omitempty"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Outputs    []Result       `json:"outputs"`
}

// Result is an output tensor. Data is []bool, []int64, []float64 or []string, in row-major
// order, all of them finite.
type Result struct {
	Name       string         `json:"name"`
	Shape      []int64        `json:"shape"`
	Datatype   string         `json:"datatype"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Data       any            `json:"data,omitempty"`
	Binary     bool           `json:"-"` // behind the JSON
}

// Write writes an answer with its binary tensors behind the JSON, and says so in the header.
func (a *Answer) Write(w http.ResponseWriter) error {
	var tail bytes.Buffer
	for i := range a.Outputs {
		r := &a.Outputs[i]
		if !r.Binary {
			continue
		}
		before := tail.Len()
		if err := r.bytes(&tail); err != nil {
			return err
		}
		if r.Parameters == nil {
			r.Parameters = map[string]any{}
		}
		r.Parameters["binary_data_size"], r.Data = tail.Len()-before, nil
	}
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	if tail.Len() > 0 {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set(LengthHeader, strconv.Itoa(len(text)))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+tail.Len()))
	_, err = w.Write(append(text, tail.Bytes()...))
	return err
}

// bytes appends the elements, little-endian.
func (r *Result) bytes(to *bytes.Buffer) error {
	var b []byte
	switch data := r.Data.(type) {
	case []bool:
		for _, v := range data {
			b = append(b, 0)
			if v {
				b[len(b)-1] = 1
			}
		}
	case []int64:
		for _, v := range data {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	case []float64:
		for _, v := range data {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	case []string:
		for _, v := range data {
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		}
	default:
		return fmt.Errorf("output %q: no binary form of %T", r.Name, r.Data)
	}
	to.Write(b)
	return nil
}

// ServerMetadata is the body of GET /v2.
type ServerMetadata struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

// ModelMetadata is the body of GET /v2/models/{name}.
type ModelMetadata struct {
	Name     string           `json:"name"`
	Versions []string         `json:"versions,omitempty"`
	Platform string           `json:"platform"`
	Inputs   []TensorMetadata `json:"inputs"`
	Outputs  []TensorMetadata `json:"outputs"`
}

// TensorMetadata describes a tensor; a dimension of -1 is variable.
type TensorMetadata struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}
