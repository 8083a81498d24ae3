package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/nn"
	"github.com/rowlink/rowlink/tasks"
)

// Metadata says what a model was trained for and on. It is stored in the model file.
type Metadata struct {
	Task       string          `json:"task"`      // the statement as the user wrote it
	TaskName   string          `json:"task_name"` // its name
	TaskHash   string          `json:"task_hash"`
	Type       string          `json:"type"`       // task type
	ValAnchor  int64           `json:"val_anchor"` // of the task's options as training resolved them; see Pin
	TestAnchor int64           `json:"test_anchor"`
	DataFrom   int64           `json:"data_from"`
	Scaling    json.RawMessage `json:"scaling"` // decoding parameters of the task type
	LabelHash  string          `json:"label_hash"`
	Snapshot   string          `json:"snapshot"` // id of the training snapshot
	Seed       uint64          `json:"seed"`
	Kernel     string          `json:"kernel"`  // kernel path that trained the weights
	History    bool            `json:"history"` // the graph holds the task's closed labels as a table
}

// Note fills in what the metadata says about the task, whose options must be resolved.
func (m *Metadata) Note(t *tasks.Task) {
	m.Task, m.TaskName, m.TaskHash, m.Type = t.Text, t.Name, t.Hash, t.Type
	m.ValAnchor, m.TestAnchor, m.DataFrom = t.Options.ValAnchor, t.Options.TestAnchor, t.Options.DataFrom
}

// Pin sets the instants that [Metadata.Note] found in the options of a task bound anew,
// if there was a Note. Their defaults follow the latest row of the data, and the target
// history lies on a lattice around the validation anchor: without Pin each new row
// would move the labels that the model reads.
func (m *Metadata) Pin(t *tasks.Task) {
	if m.ValAnchor == 0 && m.TestAnchor == 0 {
		return
	}
	t.Options.ValAnchor, t.Options.TestAnchor, t.Options.DataFrom = m.ValAnchor, m.TestAnchor, m.DataFrom
}

// formatVersion is raised when an older reader could misread a file.
const formatVersion = 2

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
	return WriteSafetensors(w, Named(m.Params), map[string]string{"rowlink": string(h)})
}

// Named lists parameters with their names.
func Named(s *nn.Set) []NamedMat {
	var mats []NamedMat
	for _, p := range s.All() {
		mats = append(mats, NamedMat{p.Name, p.Value})
	}
	return mats
}

// Read reads a model file. Every parameter must be there with its shape and finite
// values, and no other. The file may come from anywhere: it cannot make the reader
// panic, or allocate more than some multiple of its own size.
func Read(data []byte) (*Model, error) {
	mats, meta, err := ReadSafetensors(data)
	if err != nil {
		return nil, err
	}
	h, err := readModelHeader(meta)
	if err != nil {
		return nil, err
	}
	m := &Model{Config: h.Config, Entity: h.Entity, Types: h.Types, Edges: h.Edges, Encoder: h.Encoders, Meta: h.Meta}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("read model header: %w", err)
	}
	if need, most := m.estimate(), headroom*(float64(len(data))+smallModel); need > most {
		return nil, fmt.Errorf("model file of %d bytes describes a network of about %.0f numbers", len(data), need)
	}
	if err := m.build(0); err != nil {
		return nil, fmt.Errorf("read model header: %w", err)
	}
	if err := Fill(m.Params.All(), mats); err != nil {
		return nil, err
	}
	return m, nil
}

func readModelHeader(meta map[string]string) (*header, error) {
	text, ok := meta["rowlink"]
	if !ok {
		return nil, fmt.Errorf("the file is a safetensors file, but no rowlink model: its metadata has no %q", "rowlink")
	}
	var h header
	if err := StrictJSON(text, &h); err != nil {
		return nil, fmt.Errorf("read model header: %w", err)
	}
	if h.Format == 1 { // before row encoders had a number of blocks and first layers a plan
		h.Config.Blocks, h.Config.Plan, h.Format = 1, PlanPlain, formatVersion
	}
	if h.Format != formatVersion {
		return nil, fmt.Errorf("model file has format %d, this program reads format %d", h.Format, formatVersion)
	}
	return &h, nil
}

// StrictJSON decodes one JSON value and refuses unknown fields and what follows it.
func StrictJSON(text string, into any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if rest := text[dec.InputOffset():]; rest != "" {
		return fmt.Errorf("%d bytes after its end", len(rest))
	}
	return nil
}

// Layers differ in how many numbers they keep per channel, so the estimate of numbers
// is compared with the bytes of the file with room to spare.
const (
	headroom   = 4
	smallModel = 1 << 18
)

// estimate is about the number of parameters that build would create.
func (m *Model) estimate() float64 {
	c := m.Config
	width := float64(c.Width)
	n := (width + Extra) * (width + 2*float64(c.Outputs))
	for _, e := range m.Encoder {
		if e != nil {
			n += (float64(e.Dense+e.Codes+len(c.TimeScale)) + 2*float64(c.Blocks)*width) * width
		}
	}
	for hops := range c.FanOut {
		reach := Reach(m.Edges, len(m.Types), slices.Index(m.Types, m.Entity), hops)
		for _, ok := range reach {
			if ok {
				n += width * width
			}
		}
		for _, e := range m.Edges {
			if reach[e.Dst] {
				n += float64(1+len(c.HalfLives)) * width * width
			}
		}
	}
	return n
}

// Fill copies the tensors of a file into the parameters, which are in the same order.
func Fill(params []*nn.Param, mats []NamedMat) error {
	if len(params) != len(mats) {
		return fmt.Errorf("model file has %d tensors, want %d", len(mats), len(params))
	}
	for i, p := range params {
		in := mats[i]
		if in.Name != p.Name || in.Mat.Rows != p.Value.Rows || in.Mat.Cols != p.Value.Cols {
			return fmt.Errorf("tensor %d of the model file is %q %dx%d, want %q %dx%d", i+1,
				in.Name, in.Mat.Rows, in.Mat.Cols, p.Name, p.Value.Rows, p.Value.Cols)
		}
		for k, v := range in.Mat.Data {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("tensor %q of the model file holds %v at %d", in.Name, v, k)
			}
		}
		copy(p.Value.Data, in.Mat.Data)
	}
	return nil
}

// WeightsHash is the SHA-256 of all parameters, hex: equal for equal bits.
func (m *Model) WeightsHash() string { return HashOf(m.Params) }

// HashOf is the SHA-256 of the parameters of a set, hex.
func HashOf(s *nn.Set) string {
	sum := sha256.New()
	if err := WriteSafetensors(sum, Named(s), nil); err != nil {
		panic("model: hash: " + err.Error())
	}
	return hex.EncodeToString(sum.Sum(nil))
}
