package relf1_test

import (
	"errors"
	"fmt"

	"github.com/rowlink/rowlink/bench/relf1"
)

// A machine without the CSV files is told from a broken one.
func ExampleFolder() {
	_, err := relf1.Folder()
	var none *relf1.NoDataError
	fmt.Println(err == nil || errors.As(err, &none))
	// Output: true
}
