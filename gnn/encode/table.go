package encode

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Table encodes the rows of one table: its columns' encoders side by side.
type Table struct {
	Name    string
	Timed   bool // its rows have a time
	Columns []Column
	Dense   int // dense features per row
	Codes   int // codes of all columns together
}

// Column is one column's encoder and its place in the row.
type Column struct {
	Name      string
	Sem       schema.SemType
	Encoder   Encoder
	DenseFrom int // first dense feature
	CodeFrom  int // first code
}

// Fit fits the encoders of every feature column of t on the rows visible at cut. A
// column takes part unless it belongs to a key, is ignored by its semantic type, or is
// hidden by mask.
func Fit(t *ingest.Table, rule ingest.TimeRule, cut int64, mask func(column int) bool) (*Table, error) {
	rows := fitRows(t, rule, cut)
	enc := &Table{Name: t.Def.FullName(), Timed: t.Times != nil}
	for c, col := range t.Def.Columns {
		if col.Kind == schema.Opaque || col.Sem == schema.SemID || col.Sem == schema.SemIgnore ||
			t.Def.IsKey(c) || mask != nil && mask(c) {
			continue
		}
		e, err := New(col.Sem)
		if err != nil {
			return nil, fmt.Errorf("column %s.%s: %w", enc.Name, col.Name, err)
		}
		e.Fit(Source{t, c}, rows)
		if err := enc.add(Column{Name: col.Name, Sem: col.Sem, Encoder: e}); err != nil {
			return nil, err
		}
	}
	return enc, nil
}

// add prepares the encoder of a column and gives it its place.
func (e *Table) add(c Column) error {
	if p, ok := c.Encoder.(Preparer); ok {
		if err := p.Prepare(); err != nil {
			return fmt.Errorf("encoder of column %q of table %q: %w", c.Name, e.Name, err)
		}
	}
	c.DenseFrom, c.CodeFrom = e.Dense, e.Codes
	dense, codes := c.Encoder.Shape()
	e.Dense += dense
	e.Codes += codes
	e.Columns = append(e.Columns, c)
	return nil
}

// visibleRows lists the rows of t that are visible at cut, ascending.
func visibleRows(t *ingest.Table, rule ingest.TimeRule, cut int64) []int32 {
	rows := make([]int32, 0, t.Rows)
	for r := range int32(t.Rows) {
		if t.VisibleAt(rule, r, cut) {
			rows = append(rows, r)
		}
	}
	return rows
}

// mostFitRows bounds the rows that encoders are fitted on: a million tell a quantile or
// a share to a thousandth, and columns of any length are fitted in the same memory.
// It is a variable for tests only.
var mostFitRows = 1 << 20

// fitRows lists the rows of t that are visible at cut, or of more than mostFitRows as
// many at equal distances. It depends on visible rows alone.
func fitRows(t *ingest.Table, rule ingest.TimeRule, cut int64) []int32 {
	visible := 0
	for r := range int32(t.Rows) {
		if t.VisibleAt(rule, r, cut) {
			visible++
		}
	}
	take := min(visible, mostFitRows)
	rows := make([]int32, 0, take)
	seen := 0
	for r := range int32(t.Rows) {
		if len(rows) == take {
			break
		}
		if !t.VisibleAt(rule, r, cut) {
			continue
		}
		if seen == len(rows)*visible/take {
			rows = append(rows, r)
		}
		seen++
	}
	return rows
}

// tableJSON is the stored form of a Table.
type tableJSON struct {
	Table   string       `json:"table"`
	Timed   bool         `json:"timed"`
	Columns []columnJSON `json:"columns"`
}

type columnJSON struct {
	Name  string          `json:"name"`
	Sem   schema.SemType  `json:"type"`
	State json.RawMessage `json:"state"`
}

// MarshalJSON stores name, semantic type and fitted state of every column.
func (e *Table) MarshalJSON() ([]byte, error) {
	out := tableJSON{Table: e.Name, Timed: e.Timed, Columns: make([]columnJSON, len(e.Columns))}
	for i, c := range e.Columns {
		state, err := json.Marshal(c.Encoder)
		if err != nil {
			return nil, fmt.Errorf("store encoder of column %q of table %q: %w", c.Name, e.Name, err)
		}
		out.Columns[i] = columnJSON{c.Name, c.Sem, state}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON wrote. A state that no Fit can have left is an
// error, so that what is read can be used without further checks.
func (e *Table) UnmarshalJSON(data []byte) error {
	var in tableJSON
	if err := strict(data, &in); err != nil {
		return fmt.Errorf("read encoders: %w", err)
	}
	*e = Table{Name: in.Table, Timed: in.Timed}
	for _, c := range in.Columns {
		enc, err := New(c.Sem)
		if err == nil {
			err = strict(c.State, enc)
		}
		if err != nil {
			return fmt.Errorf("read encoder of column %q of table %q: %w", c.Name, in.Table, err)
		}
		if err := e.add(Column{Name: c.Name, Sem: c.Sem, Encoder: enc}); err != nil {
			return err
		}
	}
	return nil
}

// strict decodes JSON and refuses fields that are not known.
func strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// Without returns the encoders of all columns but one.
func (e *Table) Without(column string) (*Table, error) {
	out := &Table{Name: e.Name, Timed: e.Timed}
	for _, c := range e.Columns {
		if c.Name == column {
			continue
		}
		if err := out.add(c); err != nil {
			return nil, err
		}
	}
	return out, nil
}
