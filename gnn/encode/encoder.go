// Package encode owns the way from a cell to numbers: one encoder per semantic type,
// each with the statistics that it takes from visible rows and the features that it
// writes, and the feature tables that a model reads. Learned parts (the linear step
// over dense features, the lookup table of codes) belong to the model.
package encode

import (
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/registry"
	"github.com/rowlink/rowlink/schema"
)

// Source is a column of a table.
type Source struct {
	Table  *ingest.Table
	Column int
}

// Cells returns the column's values.
func (s Source) Cells() *ingest.Column { return &s.Table.Columns[s.Column] }

// Code is one entry of a lookup table with its weight.
type Code struct {
	ID     int32
	Weight tensor.Real
}

// Encoder turns cells of one column into features. Its exported fields are its
// fitted state: they are stored in the model file as JSON, and an encoder read back
// behaves the same.
//
// A cell becomes dense features (multiplied by a matrix in the model) and codes
// (rows of a lookup table in the model). Both first meet a linear step, so the
// embedding of a column and the first layer of the row encoder are one product
// (column folding).
type Encoder interface {
	// Fit takes statistics from the given rows, which the caller has chosen so that
	// all are visible at the training cut. It may be given no rows at all.
	Fit(src Source, rows []int32)
	// Shape returns the number of dense features per cell and the number of codes.
	Shape() (dense, codes int)
	// Cell writes the dense features of row's cell into out (zeroed, length dense) and
	// appends its codes. All are finite whatever the cell holds. It must not look at
	// any other row, and is called by several goroutines at once.
	Cell(src Source, row int, out []tensor.Real, codes []Code) []Code
}

// Preparer is an [Encoder] with more to it than its exported fields. Prepare is called
// once after Fit, and once after the fields were read from a model file: it builds what
// Cell looks up, and refuses a state that Fit cannot have left.
type Preparer interface{ Prepare() error }

var encoders = registry.New[func() Encoder]("encoder")

// Register makes an encoder known for a semantic type.
func Register(sem schema.SemType, make func() Encoder) { encoders.Add(string(sem), make) }

// New returns an unfitted encoder for a semantic type.
func New(sem schema.SemType) (Encoder, error) {
	make, err := encoders.Get(string(sem))
	if err != nil {
		return nil, err
	}
	return make(), nil
}

// SemTypes returns the semantic types that have an encoder, in order.
func SemTypes() []schema.SemType {
	var out []schema.SemType
	for _, n := range encoders.Names() {
		out = append(out, schema.SemType(n))
	}
	return out
}
