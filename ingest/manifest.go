package ingest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/rowlink/rowlink/schema"
)

// The format of a snapshot folder is described in docs/format/snapshot.md.
const (
	formatVersion = 1
	manifestName  = "manifest.json"
)

// manifest is the content of manifest.json. Its types are apart from those of
// package schema so that the format changes only when it is meant to.
type manifest struct {
	Format   int               `json:"format"`
	ID       string            `json:"id"`
	Taken    int64             `json:"taken"` // microseconds since 1970-01-01 UTC
	Tables   []manifestTable   `json:"tables"`
	Skipped  []manifestSkipped `json:"skipped,omitempty"`
	Findings []Finding         `json:"findings,omitempty"`
	// Checksum is the SHA-256 of this file with Checksum empty.
	Checksum string `json:"checksum"`
}

type manifestTable struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	File      string `json:"file"`
	Bytes     int64  `json:"bytes"`
	SHA256    string `json:"sha256"`
	// FrameSHA256 is the checksum of the file without the values: see frame.
	FrameSHA256  string           `json:"frame_sha256"`
	Rows         int              `json:"rows"`
	Columns      []manifestColumn `json:"columns"`
	Key          []int            `json:"key,omitempty"`
	KeyReason    string           `json:"key_reason,omitempty"`
	Unique       [][]int          `json:"unique,omitempty"`
	Links        []manifestLink   `json:"links,omitempty"`
	Time         *manifestTime    `json:"time,omitempty"`
	TimeDeclared bool             `json:"time_declared,omitempty"`
	TimeNote     string           `json:"time_note,omitempty"`
	Ignore       bool             `json:"ignore,omitempty"`
	Estimate     int64            `json:"estimate"`
}

type manifestColumn struct {
	Name    string         `json:"name"`
	DBType  string         `json:"db_type"`
	Kind    string         `json:"kind"`
	NotNull bool           `json:"not_null,omitempty"`
	Sem     schema.SemType `json:"semantic_type,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Total   *schema.Total  `json:"total,omitempty"`
}

type manifestLink struct {
	Name     string `json:"name"`
	Columns  []int  `json:"columns"`
	To       int    `json:"to"`
	Ref      []int  `json:"ref"`
	Reason   string `json:"reason,omitempty"`
	Dangling int    `json:"dangling"`
}

type manifestTime struct {
	Column int    `json:"column"`
	Via    int    `json:"via"`
	Until  int    `json:"until"`
	Zone   string `json:"zone,omitempty"`
	DayEnd bool   `json:"day_end,omitempty"`
	Reason string `json:"reason,omitempty"`
}

type manifestSkipped struct {
	Object string `json:"object"`
	Reason string `json:"reason"`
}

// newManifest describes s; the fields about files are filled when they are written.
func newManifest(s *Snapshot) *manifest {
	m := &manifest{Format: formatVersion, ID: s.ID, Taken: s.Taken, Findings: s.Findings}
	for _, sk := range s.Schema.Skipped {
		m.Skipped = append(m.Skipped, manifestSkipped(sk))
	}
	for i, t := range s.Tables {
		d := t.Def
		mt := manifestTable{Namespace: d.Namespace, Name: d.Name, File: fileName(i), Rows: t.Rows, Key: d.Key, KeyReason: d.KeyReason,
			Unique: d.Unique, TimeDeclared: d.TimeDeclared, TimeNote: d.TimeNote, Ignore: d.Ignore, Estimate: d.Estimate}
		for _, c := range d.Columns {
			mt.Columns = append(mt.Columns, manifestColumn{c.Name, c.DBType, c.Kind.String(), c.NotNull, c.Sem, c.Reason, c.Total})
		}
		for l, link := range d.Links {
			mt.Links = append(mt.Links, manifestLink{link.Name, link.Columns, link.To, link.Ref, link.Reason, t.Dangling[l]})
		}
		if d.Time != nil {
			mt.Time = (*manifestTime)(d.Time)
		}
		m.Tables = append(m.Tables, mt)
	}
	return m
}

// fileName is the name of the file of table i: names of tables may be no file names.
func fileName(i int) string { return fmt.Sprintf("%04d.arrow", i) }

// encode returns the bytes of the file with its checksum.
func (m *manifest) encode() ([]byte, error) {
	m.Checksum = ""
	sum, err := m.sum()
	if err != nil {
		return nil, err
	}
	m.Checksum = sum
	return json.MarshalIndent(m, "", " ")
}

func (m manifest) sum() (string, error) {
	m.Checksum = ""
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// decodeManifest reads a manifest and refuses one that was cut, altered or made by
// another version.
func decodeManifest(text []byte) (*manifest, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("not JSON, perhaps cut off: %w", err)
	}
	if version.Format != formatVersion {
		return nil, fmt.Errorf("format version %d, want %d: ingest the database again", version.Format, formatVersion)
	}
	var m manifest
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one value")
	}
	sum, err := m.sum()
	if err != nil {
		return nil, err
	}
	if sum != m.Checksum {
		return nil, fmt.Errorf("checksum %.12s…, want %.12s…: the file was altered", sum, m.Checksum)
	}
	return &m, nil
}

// schema builds the schema and refuses numbers that name nothing.
func (m *manifest) schema() (*schema.Schema, error) {
	s := &schema.Schema{}
	for _, sk := range m.Skipped {
		s.Skipped = append(s.Skipped, schema.Skipped(sk))
	}
	for i := range m.Tables {
		t, err := m.Tables[i].def()
		if err == nil && m.Tables[i].File != fileName(i) {
			err = fmt.Errorf("file %q, want %q", m.Tables[i].File, fileName(i))
		}
		if err != nil {
			return nil, fmt.Errorf("table %q: %w", m.Tables[i].Name, err)
		}
		s.Tables = append(s.Tables, t)
	}
	for _, t := range s.Tables {
		for _, l := range t.Links {
			if l.To < 0 || l.To >= len(s.Tables) || !inRange(l.Columns, len(t.Columns)) || !inRange(l.Ref, len(s.Tables[l.To].Columns)) {
				return nil, fmt.Errorf("table %q: link %q names a table or column that does not exist", t.Name, l.Name)
			}
		}
	}
	return s, nil
}

func (m *manifestTable) def() (*schema.Table, error) {
	if m.Rows < 0 || m.Rows > math.MaxInt32 {
		return nil, fmt.Errorf("%d rows, want 0 to %d", m.Rows, math.MaxInt32)
	}
	t := &schema.Table{Namespace: m.Namespace, Name: m.Name, Key: m.Key, KeyReason: m.KeyReason, Unique: m.Unique,
		Time: (*schema.RowTime)(m.Time), TimeDeclared: m.TimeDeclared, TimeNote: m.TimeNote, Ignore: m.Ignore, Estimate: m.Estimate}
	for _, c := range m.Columns {
		kind, ok := kindOf(c.Kind)
		if !ok {
			return nil, fmt.Errorf("column %q has unknown kind %q", c.Name, c.Kind)
		}
		t.Columns = append(t.Columns, schema.Column{Name: c.Name, DBType: c.DBType, Kind: kind, NotNull: c.NotNull, Sem: c.Sem, Reason: c.Reason, Total: c.Total})
	}
	for _, l := range m.Links {
		t.Links = append(t.Links, schema.Link{Name: l.Name, Columns: l.Columns, To: l.To, Ref: l.Ref, Reason: l.Reason})
	}
	for _, cols := range append(slices.Clone(m.Unique), m.Key) {
		if !inRange(cols, len(m.Columns)) {
			return nil, fmt.Errorf("a key names a column that does not exist")
		}
	}
	return t, nil
}

func inRange(cols []int, n int) bool {
	return !slices.ContainsFunc(cols, func(c int) bool { return c < 0 || c >= n })
}

func kindOf(name string) (schema.Kind, bool) {
	for k := schema.Opaque; k <= schema.Time; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}
