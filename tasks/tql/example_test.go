package tql_test

import (
	"fmt"

	"github.com/rowlink/rowlink/tasks/tql"
)

func Example() {
	q, err := tql.ParseQuery(`
		PREDICT count(*) FROM orders FILTER (WHERE channel = 'web') OVER (NEXT '30 days') > 0
		FOR EACH users`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tql.Canonical(q))

	_, err = tql.Parse(`PREDICT COUNT(orders.*, 0, 2, wekes) > 0 FOR EACH users WHERE age > 3 > 1`)
	fmt.Println(err.(tql.Errors).Pretty())
	// Output:
	// PREDICT count(orders.* WHERE orders.channel = 'web', 0, 30, days) > 0 FOR EACH users
	// ERROR:  TK110: unknown unit wekes
	// LINE 1: PREDICT COUNT(orders.*, 0, 2, wekes) > 0 FOR EACH users WHERE age > 3 > 1
	//                                       ^^^^^
	// HINT:  did you mean "weeks"? The units are seconds, minutes, hours, days, weeks, months, quarters, years; a window may also be written OVER (NEXT '14 days').
	//
	// ERROR:  TK100: unexpected ">" after a comparison
	// LINE 1: PREDICT COUNT(orders.*, 0, 2, wekes) > 0 FOR EACH users WHERE age > 3 > 1
	//                                                                               ^
	// HINT:  comparisons do not chain: write a < b AND b < c, or use parentheses.
}
