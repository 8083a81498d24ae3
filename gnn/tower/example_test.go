package tower_test

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/gnn/tower"
)

// The two items whose vectors point most the way of the query, item 0 being refused.
func ExampleSearch() {
	items := tensor.MatOf(4, 2, 3, 0, 2, 1, 0, 5, 2, 1)
	query := tensor.MatOf(1, 2, 1, 0)
	for _, h := range tower.Search(tensor.NewPool(1), query, items, 2, func(_ int, item int32) bool { return item != 0 })[0] {
		fmt.Println(h.Item, h.Score)
	}
	// Output:
	// 1 2
	// 3 2
}
