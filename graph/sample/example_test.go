package sample_test

import (
	"fmt"

	"github.com/rowlink/rowlink/graph"
	"github.com/rowlink/rowlink/graph/sample"
)

// Two users, an item and three orders: the subgraph of user 0 at time 25 holds the
// orders known by then and, one hop further, their item.
func Example() {
	w := newWorld()
	users, items := w.table("users", 2, nil, nil), w.table("items", 1, nil, nil)
	orders := w.table("orders", 3, []int64{10, 20, 30}, nil)
	w.link(orders, users, "user_id", []int32{0, 0, 0})
	w.link(orders, items, "item_id", []int32{0, -1, 0})
	g, err := graph.Build(w.snap)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := sample.New(g, sample.Options{Entity: users, FanOut: []int{10, 10}})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := s.Sample([]sample.Seed{{Row: 0, At: 25, Key: 1}}, 0)
	fmt.Print(b)
	// Output:
	// users: 1 copies of 1 rows
	//   0: row 0, seed 0, hop 0
	// items: 1 copies of 1 rows
	//   0: row 0, seed 0, hop 2
	// orders: 2 copies of 2 rows
	//   0: row 0, seed 0, hop 1, age 15
	//   1: row 1, seed 0, hop 1, age 5
	// orders -f2p_user_id-> users: 2 edges
	//   0 <- [0 1]
	// users -rev_f2p_user_id-> orders: 2 edges
	//   0 <- [0]
	//   1 <- [0]
	// items -rev_f2p_item_id-> orders: 1 edges
	//   0 <- [0]
}
