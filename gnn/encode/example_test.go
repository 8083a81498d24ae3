package encode_test

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/encode"
	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// Statistics come from the rows that are visible at the cut, here the first four: the
// fifth is encoded, but its value is clipped like any that lies far out.
func Example() {
	table := &ingest.Table{
		Rows: 5,
		Def: &schema.Table{Name: "orders", Columns: []schema.Column{{Name: "amount", Kind: schema.Float, Sem: schema.SemNumerical},
			{Name: "paid", Kind: schema.Bool, Sem: schema.SemBoolean}}},
		Columns: []ingest.Column{{Kind: schema.Float, Floats: []float64{1, 2, 3, 4, 1000}}, {Kind: schema.Bool, Bits: []byte{0b01011}, Valid: []byte{0b11011}}},
		Times:   []int64{1, 2, 3, 4, 5},
	}
	enc, err := encode.Fit(table, ingest.TimeRule{}, 4, nil)
	if err != nil {
		panic(err)
	}
	features, err := enc.Features(tensor.NewPool(1), table)
	if err != nil {
		panic(err)
	}
	fmt.Println(enc.Dense, "dense features and", enc.Codes, "codes")
	for row := range table.Rows {
		fmt.Printf("%.2f %v\n", features.Dense.Row(row), features.Codes.Src[features.Codes.Ptr[row]:features.Codes.Ptr[row+1]])
	}
	// Output:
	// 4 dense features and 10 codes
	// [-1.35 0.00 1.00 0.00] [0]
	// [-0.45 0.00 1.00 0.00] [3]
	// [0.45 0.00 0.00 1.00] [6]
	// [1.35 0.00 1.00 0.00] [9]
	// [5.00 0.00 -1.00 0.00] [9]
}
