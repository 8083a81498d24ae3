package scan

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/rowlink/rowlink/gnn/conv"
	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/model"
)

// formatVersion is raised when an older reader could misread a file.
const formatVersion = 2

// metadataKey is under which the header stands in the metadata of the file: another one
// than that of sampled networks, whose readers refuse it by name.
const metadataKey = "rowlink scan"

// header is what a file holds beside the tensors.
type header struct {
	Format   int             `json:"format"`
	Config   model.Config    `json:"config"`
	Entity   string          `json:"entity"`
	Types    []string        `json:"types"`
	Edges    []conv.EdgeType `json:"edges"`
	Encoders []*encode.Table `json:"encoders"`
	States   []string        `json:"states"`
	Ranked   []bool          `json:"ranked"`
	Levels   [][]string      `json:"levels"`
	Meta     model.Metadata  `json:"meta"`
}

// Write stores the model as one safetensors file. Equal models give equal bytes.
func (m *Model) Write(w io.Writer) error {
	h, err := json.Marshal(header{formatVersion, m.Config, m.Entity, m.Types, m.Edges, m.Encoder, m.States, m.Ranked, m.Levels, m.Meta})
	if err != nil {
		return fmt.Errorf("write model header: %w", err)
	}
	return model.WriteSafetensors(w, model.Named(m.Params), map[string]string{metadataKey: string(h)})
}

// Is reports whether a file holds a network of this package.
func Is(metadata map[string]string) bool {
	_, ok := metadata[metadataKey]
	return ok
}

// Read reads a model file. Every parameter must be there with its shape and finite values,
// and no other. The file may come from anywhere: it cannot make the reader panic, or
// allocate more than some multiple of its own size.
func Read(data []byte) (*Model, error) {
	mats, meta, err := model.ReadSafetensors(data)
	if err != nil {
		return nil, err
	}
	text, ok := meta[metadataKey]
	if !ok {
		return nil, fmt.Errorf("the file is a safetensors file, but no network of the layer %s: its metadata has no %q", model.Scan, metadataKey)
	}
	var h header
	if err := model.StrictJSON(text, &h); err != nil {
		return nil, fmt.Errorf("read model header: %w", err)
	}
	if h.Format != formatVersion {
		return nil, fmt.Errorf("model file has format %d of the layer %s, this program reads format %d", h.Format, model.Scan, formatVersion)
	}
	m := &Model{Config: h.Config, Entity: h.Entity, Types: h.Types, Edges: h.Edges, Encoder: h.Encoders, States: h.States, Ranked: h.Ranked, Levels: h.Levels, Meta: h.Meta}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("read model header: %w", err)
	}
	if need, most := m.estimate(), float64(len(data))+smallModel; need > most {
		return nil, fmt.Errorf("model file of %d bytes describes a network of about %.0f numbers", len(data), need)
	}
	if err := m.build(0); err != nil {
		return nil, fmt.Errorf("read model header: %w", err)
	}
	return m, model.Fill(m.Params.All(), mats)
}

// check says what does not fit together in config, types, edges and encoders.
func (m *Model) check() error {
	if err := m.Config.ValidateScan(); err != nil {
		return err
	}
	if len(m.Encoder) != len(m.Types) || len(m.Ranked) != len(m.Types) || len(m.Levels) != len(m.Types) || slices.Index(m.Types, m.Entity) < 0 {
		return fmt.Errorf("model has %d tables, %d encoders, %d marks of ranks, %d of levels and the entity %q, which do not fit together", len(m.Types), len(m.Encoder), len(m.Ranked), len(m.Levels), m.Entity)
	}
	names := map[string]bool{}
	for i, t := range m.Types {
		if names[t] || m.Encoder[i] != nil && m.Encoder[i].Name != t {
			return fmt.Errorf("model has two tables %q, or an encoder of another one in its place", t)
		}
		names[t] = true
	}
	clear(names)
	for i, e := range m.Edges {
		if e.Src < 0 || e.Src >= len(m.Types) || e.Dst < 0 || e.Dst >= len(m.Types) || names[e.Name] {
			return fmt.Errorf("model has an edge type %q between tables %d and %d of %d, or two of that name", e.Name, e.Src, e.Dst, len(m.Types))
		}
		names[e.Name] = true
		if e.Functional != (i%2 == 1) || i%2 == 1 && (e.Src != m.Edges[i-1].Dst || e.Dst != m.Edges[i-1].Src) {
			return fmt.Errorf("edge type %q of the model does not stand behind the one that it reverses", e.Name)
		}
	}
	if len(m.Edges)%2 != 0 {
		return fmt.Errorf("model has %d edge types, want pairs", len(m.Edges))
	}
	return nil
}

// smallModel is how many numbers a file may describe whatever its size.
const smallModel = 1 << 18

// estimate is about the number of parameters that build would create.
func (m *Model) estimate() float64 {
	c := m.Config
	p := newPlan(m.Edges, slices.Index(m.Types, m.Entity), c.Hops, c.Layers, m.States, m.Encoder)
	rates, d := float64(len(c.HalfLives)), float64(c.Width)
	dense := func(t int) float64 { return float64(m.Encoder[t].Dense) }
	raw := func(t int) float64 {
		n := 0.0
		for _, s := range p.into[t] {
			n += rates * (dense(p.states[s].from) + d)
		}
		return n
	}
	n := 0.0
	for l := 1; l <= c.Layers; l++ {
		for t, ok := range p.sends[l] {
			if !ok {
				continue
			}
			n += d * dense(t)
			for _, up := range p.paths[t] {
				if m.Encoder[up.to] != nil {
					n += d * dense(up.to)
				}
				if l > 1 && len(up.steps) == 1 {
					n += d * raw(up.to)
				}
			}
		}
	}
	for _, s := range p.slots {
		n += (dense(s.table) + raw(s.table)) * float64(c.Outputs+2)
	}
	return n
}

// WeightsHash is the SHA-256 of all parameters, hex: equal for equal bits.
func (m *Model) WeightsHash() string { return model.HashOf(m.Params) }
