package graph

import (
	"fmt"

	"github.com/rowlink/rowlink/ingest"
)

// shop is two users and four orders, of which three are of the first user.
func shop() *ingest.Snapshot {
	users, orders := table("users", 2, nil), table("orders", 4, []int64{30, 10, 20, 40})
	link(orders, 0, []int32{0, 0, 1, 0}, "user_id")
	return db(users, orders)
}

func Example() {
	snap := shop()
	g, err := Build(snap)
	if err != nil {
		fmt.Println(err)
		return
	}
	for e, s := range g.Stats() {
		fmt.Printf("%s: %s\n", g.Label(e), s)
	}
	fmt.Println("orders of user 0 at 30:", g.Children(0, 0, ingest.TimeRule{}, 30))
	fmt.Println("before 30:", g.Children(0, 0, ingest.TimeRule{Strict: true}, 30))
	for _, p := range Paths(snap.Schema, 1, 0, 4) {
		fmt.Println(FormatPath(snap.Schema, 1, p))
	}
	// Output:
	// orders -f2p_user_id-> users: 4 links into 2 of 2 rows, mean 2.00, p50 1, p90 3, p99 3, max 3
	// users -rev_f2p_user_id-> orders: 4 links into 4 of 4 rows, mean 1.00, p50 1, p90 1, p99 1, max 1
	// orders of user 0 at 30: [1 0]
	// before 30: [1]
	// orders -user_id-> users
}

func ExampleGraph_DOT() {
	g, err := Build(shop())
	if err != nil {
		fmt.Println(err)
		return
	}
	dot, err := g.DOT()
	fmt.Printf("%s\n%v\n", dot, err)
	// Output:
	// digraph schema {
	// 	// Node definitions.
	// 	users [
	// 		shape=box
	// 		label="users\n2 rows"
	// 	];
	// 	orders [
	// 		shape=box
	// 		label="orders\n4 rows\ntime: at"
	// 	];
	//
	// 	// Edge definitions.
	// 	orders -> users [label="user_id\n4 links"];
	// }
	// <nil>
}
