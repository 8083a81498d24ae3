package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
)

// Metadata says what a model was trained for and on. It is stored in the model file.
type Metadata struct {
	Task      string          `json:"task"`      // the statement as the user wrote it
	TaskName  string          `json:"task_name"` // its name
	TaskHash  string          `json:"task_hash"`
	Type      string          `json:"type"`    // task type
	Scaling   json.RawMessage `json:"scaling"` // decoding parameters of the task type
	LabelHash string          `json:"label_hash"`
	Snapshot  string          `json:"snapshot"` // id of the training snapshot
	Seed      uint64          `json:"seed"`
	Kernel    string          `json:"kernel"`  // kernel path that trained the weights
	History   bool            `json:"history"` // the graph holds the task's closed labels as a table
}

// formatVersion is raised when an older reader could misread a file.
const formatVersion = 1

// header is what a file holds beside the tensors.
type header struct {
	Format   int             `json:"format"`
	Config   Config          `json:"config"`
	Entity   string          `json:"entity"`
	Types    []string        `json:"types"`
	Edges    []conv.EdgeType `json:"edges"`
	Encoders []*encode.Table `json:"encoders"`
	Meta     Metadata        `json:"meta"`
}

// Write stores the model as one safetensors file. Equal models give equal bytes.
func (m *Model) Write(w io.Writer) error {
	h, err := json.Marshal(header{formatVersion, m.Config, m.Entity, m.Types, m.Edges, m.Encoder, m.Meta})
	if err != nil {
		return fmt.Errorf("write model header: %w", err)
	}
	var mats []NamedMat
	for _, p := range m.Params.All() {
		mats = append(mats, NamedMat{p.Name, p.Value})
	}
	return WriteSafetensors(w, mats, map[string]string{"rowlink": string(h)})
}

// Read reads a model file. Every parameter must be there with its shape, and no other.
func Read(data []byte) (*Model, error) {
	mats, meta, err := ReadSafetensors(data)
	if err != nil {
		return nil, err
	}
	if meta["rowlink"] == "" {
		return nil, fmt.Errorf("the file is a safetensors file, but no rowlink model: its metadata has no %q", "rowlink")
	}
	var h header
	dec := json.NewDecoder(bytes.NewReader([]byte(meta["rowlink"])))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		return nil, fmt.Errorf("read model header: %w", err)
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	m := &Model{Config: h.Config, Entity: h.Entity, Types: h.Types, Edges: h.Edges, Encoder: h.Encoders, Meta: h.Meta}
	if err := m.build(0); err != nil {
		return nil, err
	}
	params := m.Params.All()
	if len(params) != len(mats) {
		return nil, fmt.Errorf("model file has %d tensors, want %d", len(mats), len(params))
	}
	for i, p := range params {
		in := mats[i]
		if in.Name != p.Name || in.Mat.Rows != p.Value.Rows || in.Mat.Cols != p.Value.Cols {
			return nil, fmt.Errorf("tensor %d of the model file is %q %dx%d, want %q %dx%d", i+1,
				in.Name, in.Mat.Rows, in.Mat.Cols, p.Name, p.Value.Rows, p.Value.Cols)
		}
		copy(p.Value.Data, in.Mat.Data)
	}
	return m, nil
}

// maxWidth and maxHops bound what a model file may make the reader allocate.
const maxWidth, maxHops, maxSchema = 4096, 16, 10_000

func (h *header) check() error {
	switch {
	case h.Format != formatVersion:
		return fmt.Errorf("model file has format %d, this program reads format %d", h.Format, formatVersion)
	case len(h.Encoders) != len(h.Types) || indexOf(h.Types, h.Entity) < 0 || len(h.Types) > maxSchema || len(h.Edges) > maxSchema:
		return fmt.Errorf("model file has %d node types, %d encoders and entity %q, which do not fit together", len(h.Types), len(h.Encoders), h.Entity)
	case h.Config.Width > maxWidth || h.Config.Outputs > maxWidth || len(h.Config.FanOut) > maxHops || len(h.Config.FanOut) == 0:
		return fmt.Errorf("model file has width %d, %d outputs and %d hops, want at most %d, %d and 1 to %d",
			h.Config.Width, h.Config.Outputs, len(h.Config.FanOut), maxWidth, maxWidth, maxHops)
	}
	for _, e := range h.Edges {
		if e.Src < 0 || e.Src >= len(h.Types) || e.Dst < 0 || e.Dst >= len(h.Types) {
			return fmt.Errorf("model file: edge type %q joins node types %d and %d of %d", e.Name, e.Src, e.Dst, len(h.Types))
		}
	}
	return h.Config.validate()
}

// WeightsHash is the SHA-256 of all parameters, hex: equal for equal bits.
func (m *Model) WeightsHash() string {
	sum := sha256.New()
	var mats []NamedMat
	for _, p := range m.Params.All() {
		mats = append(mats, NamedMat{p.Name, p.Value})
	}
	if err := WriteSafetensors(sum, mats, nil); err != nil {
		panic("model: hash: " + err.Error())
	}
	return hex.EncodeToString(sum.Sum(nil))
}
