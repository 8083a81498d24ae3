package sink_test

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/sink"
)

// A name that is none is refused before anything is connected to.
func ExampleWrite() {
	_, err := sink.Write(context.Background(), "postgres://writer@localhost/shop", sink.Table{Name: "a.b.c"}, []sink.Column{{Name: "id", Kind: schema.Int}}, nil)
	fmt.Println(err)
	// Output: "a.b.c" is no name of a table (write name, or schema.name)
}
