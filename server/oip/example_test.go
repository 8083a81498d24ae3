package oip_test

import (
	"fmt"

	"github.com/rowlink/rowlink/server/oip"
)

// Whole numbers stay as they were written, beyond what a float64 holds.
func Example() {
	r, err := oip.Parse([]byte(`{"inputs": [{"name": "entity", "shape": [2], "datatype": "INT64", "data": [42, 9007199254740993]}]}`), nil, 100)
	if err != nil {
		fmt.Println(err)
		return
	}
	in := r.Inputs[0]
	fmt.Printf("%s %s %s %s\n", in.Name, in.Datatype, in.Elements[0], in.Elements[1])
	// Output: entity INT64 42 9007199254740993
}
