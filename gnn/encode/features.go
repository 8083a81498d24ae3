package encode

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
)

// Features gives the encoded rows of one table. A small table's rows are encoded once,
// in the exported fields; those of a large one each time that they are asked for, which
// needs no memory (see onDemandFrom). Both give the same bits.
type Features struct {
	Dense   tensor.Mat // rows x dense features; no rows when they are encoded on demand
	Codes   tensor.CSR // row -> codes
	Weights []tensor.Real

	demand *onDemand // nil when the fields hold the rows
	jobs   pickJobs
}

// encodeGrain is the fixed number of rows in one block of work.
const encodeGrain = 4096

// Features encodes every row of t, or prepares to do so on demand. A column that the
// encoder knows and the table lacks, or that means something else now, is an error: the
// model does not fit this schema.
func (e *Table) Features(pool *tensor.Pool, t *ingest.Table) (*Features, error) {
	sources, err := e.sources(t)
	if err != nil {
		return nil, err
	}
	if e.bytes(t.Rows) >= onDemandFrom {
		return &Features{demand: &onDemand{e, sources}}, nil
	}
	return e.encodeAll(pool, t, sources)
}

// bytes estimates what the encoded rows of a table take: a code per column and its
// weight beside the dense features.
func (e *Table) bytes(rows int) int {
	const real = int(unsafe.Sizeof(tensor.Real(0)))
	return rows * (e.Dense*real + len(e.Columns)*(4+real) + 4)
}

func (e *Table) encodeAll(pool *tensor.Pool, t *ingest.Table, sources []Source) (*Features, error) {
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
		before := len(codes)
		codes = e.encodeRow(sources, r, f.Dense.Row(r), codes)
		f.Codes.Ptr[r+1] = int32(len(codes) - before)
	}
	return codes
}

// encodeRow writes the dense features of a row into dense, which is zeroed, and appends
// its codes.
func (e *Table) encodeRow(sources []Source, row int, dense []tensor.Real, codes []Code) []Code {
	for i := range e.Columns {
		c := &e.Columns[i]
		width, _ := c.Encoder.Shape()
		from := len(codes)
		codes = c.Encoder.Cell(sources[i], row, dense[c.DenseFrom:c.DenseFrom+width], codes)
		for j := from; j < len(codes); j++ {
			codes[j].ID += int32(c.CodeFrom)
		}
	}
	return codes
}
