package encode

import (
	"fmt"
	"math"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// Features holds the encoded rows of one table.
type Features struct {
	Dense   tensor.Mat // rows x dense features
	Codes   tensor.CSR // row -> codes
	Weights []tensor.Real
}

// encodeGrain is the fixed number of rows in one block of work.
const encodeGrain = 4096

// Features encodes every row of t. A column that the encoder knows and the table
// lacks, or that means something else now, is an error: the model does not fit this
// schema.
func (e *Table) Features(pool *tensor.Pool, t *ingest.Table) (*Features, error) {
	sources, err := e.sources(t)
	if err != nil {
		return nil, err
	}
	f := &Features{Dense: tensor.NewMat(t.Rows, e.Dense)}
	blocks := make([][]Code, (t.Rows+encodeGrain-1)/encodeGrain)
	f.Codes.Ptr = make([]int32, t.Rows+1)
	pool.Run(t.Rows, encodeGrain, func(lo, hi int) {
		blocks[lo/encodeGrain] = e.encodeRows(sources, lo, hi, f)
	})
	total := 0
	for _, b := range blocks {
		total += len(b)
	}
	if total > math.MaxInt32 {
		return nil, fmt.Errorf("table %q has %d codes, more than %d: let the mapping ignore text columns that matter little", e.Name, total, math.MaxInt32)
	}
	for r := range t.Rows {
		f.Codes.Ptr[r+1] += f.Codes.Ptr[r]
	}
	f.Codes.Src = make([]int32, 0, total)
	f.Weights = make([]tensor.Real, 0, total)
	for _, b := range blocks {
		for _, c := range b {
			f.Codes.Src = append(f.Codes.Src, c.ID)
			f.Weights = append(f.Weights, c.Weight)
		}
	}
	return f, nil
}

// sources finds the encoder's columns in t.
func (e *Table) sources(t *ingest.Table) ([]Source, error) {
	if e.Timed != (t.Times != nil) {
		words := map[bool]string{false: "without", true: "with"}
		return nil, fmt.Errorf("table %q is %s row times, but the model was trained %s; train again or change the mapping back",
			e.Name, words[t.Times != nil], words[e.Timed])
	}
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
	}
	return sources, nil
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

// pickGrain is the fixed number of rows in one block of copying.
const pickGrain = 1024

// Pick returns the features of the given rows, in memory of the tape's step: dense is
// rows x dense features, and codes has one destination per row.
func (f *Features) Pick(t *tensor.Tape, rows []int32) (dense tensor.Mat, codes tensor.CSR, weights []tensor.Real) {
	codes.Ptr = t.Ints(len(rows) + 1)
	codes.Ptr[0] = 0
	for i, r := range rows {
		codes.Ptr[i+1] = codes.Ptr[i] + f.Codes.Ptr[r+1] - f.Codes.Ptr[r]
	}
	n := int(codes.Ptr[len(rows)])
	dense, codes.Src, weights = t.Alloc(len(rows), f.Dense.Cols), t.Ints(n), t.Alloc(1, n).Data
	t.Pool().Run(len(rows), pickGrain, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			r := rows[i]
			copy(dense.Row(i), f.Dense.Row(int(r)))
			from, to := f.Codes.Ptr[r], f.Codes.Ptr[r+1]
			copy(codes.Src[codes.Ptr[i]:], f.Codes.Src[from:to])
			copy(weights[codes.Ptr[i]:], f.Weights[from:to])
		}
	})
	return dense, codes, weights
}
