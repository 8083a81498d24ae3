package encode

import (
	"encoding/json"
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Table encodes the rows of one table: its columns' encoders side by side.
type Table struct {
	Name    string
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
	rows := visibleRows(t, rule, cut)
	enc := &Table{Name: t.Def.FullName()}
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
		enc.add(Column{Name: col.Name, Sem: col.Sem, Encoder: e})
	}
	return enc, nil
}

func (e *Table) add(c Column) {
	c.DenseFrom, c.CodeFrom = e.Dense, e.Codes
	dense, codes := c.Encoder.Shape()
	e.Dense += dense
	e.Codes += codes
	e.Columns = append(e.Columns, c)
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

// Features holds the encoded rows of one table.
type Features struct {
	Dense   tensor.Mat // rows x dense features
	Codes   tensor.CSR // row -> codes
	Weights []tensor.Real
}

// Pick returns the codes of the given rows, in memory of the tape's step.
func (f *Features) Pick(t *tensor.Tape, rows []int32) (tensor.CSR, []tensor.Real) {
	csr := tensor.CSR{Ptr: make([]int32, len(rows)+1)}
	n := 0
	for i, r := range rows {
		n += int(f.Codes.Ptr[r+1] - f.Codes.Ptr[r])
		csr.Ptr[i+1] = int32(n)
	}
	csr.Src = make([]int32, n)
	weights := t.Alloc(1, n).Data
	for i, r := range rows {
		from, to := f.Codes.Ptr[r], f.Codes.Ptr[r+1]
		copy(csr.Src[csr.Ptr[i]:], f.Codes.Src[from:to])
		copy(weights[csr.Ptr[i]:], f.Weights[from:to])
	}
	return csr, weights
}

// encodeGrain is the fixed number of rows in one block of work.
const encodeGrain = 4096

// Features encodes every row of t. A column that the encoder knows and the table
// lacks is an error: the model does not fit this schema.
func (e *Table) Features(pool *tensor.Pool, t *ingest.Table) (*Features, error) {
	sources := make([]Source, len(e.Columns))
	for i, c := range e.Columns {
		at := t.Def.Column(c.Name)
		if at < 0 {
			return nil, fmt.Errorf("table %q has no column %q, which the model was trained on; train again", e.Name, c.Name)
		}
		if have := t.Def.Columns[at].Sem; have != c.Sem {
			return nil, fmt.Errorf("column %q of table %q is %s, but the model was trained with %s; train again or change the mapping back",
				c.Name, e.Name, have, c.Sem)
		}
		sources[i] = Source{t, at}
		if p, ok := c.Encoder.(interface{ Prepare() }); ok {
			p.Prepare()
		}
	}
	f := &Features{Dense: tensor.NewMat(t.Rows, e.Dense)}
	blocks := make([][]Code, (t.Rows+encodeGrain-1)/encodeGrain)
	f.Codes.Ptr = make([]int32, t.Rows+1)
	pool.Run(t.Rows, encodeGrain, func(lo, hi int) {
		blocks[lo/encodeGrain] = e.encodeRows(sources, lo, hi, f)
	})
	for r := range t.Rows {
		f.Codes.Ptr[r+1] += f.Codes.Ptr[r]
	}
	f.Codes.Src = make([]int32, 0, f.Codes.Ptr[t.Rows])
	f.Weights = make([]tensor.Real, 0, f.Codes.Ptr[t.Rows])
	for _, b := range blocks {
		for _, c := range b {
			f.Codes.Src = append(f.Codes.Src, c.ID)
			f.Weights = append(f.Weights, c.Weight)
		}
	}
	return f, nil
}

// encodeRows encodes rows [lo, hi), leaves the number of codes of row r in Ptr[r+1],
// and returns the codes.
func (e *Table) encodeRows(sources []Source, lo, hi int, f *Features) []Code {
	var codes []Code
	for r := lo; r < hi; r++ {
		dense := f.Dense.Row(r)
		before := len(codes)
		for i := range e.Columns {
			c := &e.Columns[i]
			width, _ := c.Encoder.Shape()
			from := len(codes)
			codes = c.Encoder.Cell(sources[i], r, dense[c.DenseFrom:c.DenseFrom+width], codes)
			for j := from; j < len(codes); j++ {
				codes[j].ID += int32(c.CodeFrom)
			}
		}
		f.Codes.Ptr[r+1] = int32(len(codes) - before)
	}
	return codes
}

// columnJSON is the stored form of a Column.
type columnJSON struct {
	Name  string          `json:"name"`
	Sem   schema.SemType  `json:"type"`
	State json.RawMessage `json:"state"`
}

// MarshalJSON stores name, semantic type and fitted state of every column.
func (e *Table) MarshalJSON() ([]byte, error) {
	cols := make([]columnJSON, len(e.Columns))
	for i, c := range e.Columns {
		state, err := json.Marshal(c.Encoder)
		if err != nil {
			return nil, fmt.Errorf("store encoder of %s.%s: %w", e.Name, c.Name, err)
		}
		cols[i] = columnJSON{c.Name, c.Sem, state}
	}
	return json.Marshal(map[string]any{"table": e.Name, "columns": cols})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Table) UnmarshalJSON(data []byte) error {
	var in struct {
		Table   string       `json:"table"`
		Columns []columnJSON `json:"columns"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("read encoders: %w", err)
	}
	*e = Table{Name: in.Table}
	for _, c := range in.Columns {
		enc, err := New(c.Sem)
		if err != nil {
			return fmt.Errorf("encoder of %s.%s: %w", in.Table, c.Name, err)
		}
		if err := json.Unmarshal(c.State, enc); err != nil {
			return fmt.Errorf("encoder of %s.%s: %w", in.Table, c.Name, err)
		}
		e.add(Column{Name: c.Name, Sem: c.Sem, Encoder: enc})
	}
	return nil
}
