package tql_test

import (
	"fmt"

	"github.com/rowlink/rowlink/schema"
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

// shop is a schema of two tables.
var shop = &schema.Schema{Tables: []*schema.Table{
	{Name: "users", Key: []int{0}, Columns: []schema.Column{{Name: "user_id", Kind: schema.Int, DBType: "integer"}}},
	{Name: "orders", Key: []int{0}, Columns: []schema.Column{
		{Name: "order_id", Kind: schema.Int, DBType: "integer"},
		{Name: "user_id", Kind: schema.Int, DBType: "integer"},
		{Name: "price", Kind: schema.Float, DBType: "numeric"},
		{Name: "placed", Kind: schema.Time, DBType: "timestamp with time zone"},
	}, Links: []schema.Link{{Name: "orders_user_id_fkey", Columns: []int{1}, To: 0, Ref: []int{0}}},
		Time: &schema.RowTime{Column: 3, Via: -1, Until: -1}},
}}

func ExampleBind() {
	task, err := tql.Bind(`PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users
		WHERE COUNT(orders.*, -90, 0, days) > 0`, shop)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(task.Type, task.Horizon)
	fmt.Println(task.Reading)

	_, err = tql.Bind(`PREDICT SUM(orders.pirce, 0, 30, days) FOR EACH users`, shop)
	fmt.Println(err.(tql.Errors).Pretty())
	// Output:
	// binary_classification 30 days
	// For each users row, predict whether it will have no orders row in the next 30 days. A row of users is eligible only if it had at least one orders row in the past 90 days.
	// ERROR:  TK101: table "orders" has no column "pirce"
	// LINE 1: PREDICT SUM(orders.pirce, 0, 30, days) FOR EACH users
	//                            ^^^^^
	// HINT:  did you mean "price" (numeric)? Columns: order_id, user_id, price, placed.
}

func ExampleSQL() {
	task, err := tql.Bind(`PREDICT SUM(orders.price, 0, 30, days) FOR EACH users`, shop)
	if err != nil {
		fmt.Println(err)
		return
	}
	sql, err := tql.SQL(task, shop, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sql)
	// Output:
	// WITH grid AS MATERIALIZED (
	//   SELECT split, a, row_number() OVER (ORDER BY a) AS n,
	//     ((a AT TIME ZONE 'UTC') + interval '30 days') AT TIME ZONE 'UTC' AS w1
	//   FROM unnest($1::text[], $2::timestamptz[]) AS g(split, a)),
	// x1 AS (
	//   SELECT g.a, r."user_id" AS k1,
	//     sum(nullif(r."price", 'NaN')) AS v1
	//   FROM "orders" r
	//   JOIN grid g ON r."placed" > g.a AND r."placed" <= g.w1
	//   GROUP BY g.a, r."user_id")
	// SELECT split, anchor, entity, label FROM (
	//   SELECT g.split, g.a AS anchor, d."user_id" AS entity,
	//     coalesce(x1.v1, 0)::float8 AS label
	//   FROM grid g
	//   CROSS JOIN "users" d
	//   LEFT JOIN x1 ON x1.a = g.a AND x1.k1 = d."user_id") q
	// WHERE label IS NOT NULL
	// ORDER BY anchor, entity
}
