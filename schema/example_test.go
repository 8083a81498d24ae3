package schema_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// A user reads what was inferred and overrides the time of one table.
func Example() {
	s := &schema.Schema{Tables: []*schema.Table{{
		Name: "orders", Estimate: 1000, Key: []int{0}, KeyReason: "declared",
		Columns: []schema.Column{
			{Name: "id", DBType: "bigint", Kind: schema.Int, NotNull: true},
			{Name: "placed_at", DBType: "timestamp", Kind: schema.Time, NotNull: true},
			{Name: "paid_at", DBType: "timestamp", Kind: schema.Time, NotNull: true},
			{Name: "total", DBType: "numeric", Kind: schema.Float},
		},
	}}}
	schema.Infer(s, nil)
	m, err := schema.ReadMapping(strings.NewReader("tables: {orders: {time: paid_at, columns: {total: ignore}}}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	mapped, err := m.Apply(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := mapped.Describe(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// orders  about 1000 rows
	//   key   id  (declared)
	//   time  paid_at  (mapping)
	//     id         id         primary key
	//     placed_at  timestamp  type timestamp
	//     paid_at    timestamp  type timestamp
	//     total      ignore     mapping
}
