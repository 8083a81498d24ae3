package recommend_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/rowlink/rowlink/tabular/recommend"
	"github.com/rowlink/rowlink/tasks"
)

// Which items will user 4 order? Its taste is for items whose number leaves one when
// divided by three.
func Example() {
	ctx, t := context.Background(), &testing.T{}
	snap := world(t, orders(30), 30)
	labels, err := tasks.Label(ctx, snap, bind(t, snap, text), 2)
	if err != nil {
		log.Fatal(err)
	}
	m, _, err := recommend.Fit(ctx, snap, labels, 2)
	if err != nil {
		log.Fatal(err)
	}
	lists, err := m.Rank(ctx, []recommend.Query{{Row: 4, Cut: 290 * day}}, 5)
	if err != nil {
		log.Fatal(err)
	}
	liked := 0
	for _, item := range lists[0] {
		if item.Row%3 == 1 {
			liked++
		}
	}
	fmt.Println(len(lists[0]), "items, most of its taste:", liked >= 3)
	// Output: 5 items, most of its taste: true
}
