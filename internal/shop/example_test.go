package shop_test

import (
	"fmt"

	"github.com/rowlink/rowlink/internal/shop"
)

func Example() {
	d := shop.Generate(shop.Options{Customers: 500, Seed: 1})
	last := d.Orders[len(d.Orders)-1]
	fmt.Println("customers:", len(d.Customers), "last order:", last.OrderedAt.Format("2006-01-02"))

	ex := d.TestAttainable()
	realised, _ := shop.AttainableAUROC(ex)
	fmt.Println("test anchors of task churn:", shop.EvalAnchors, "from", shop.TestAnchor.Format("2006-01-02"))
	fmt.Println("no model can score far above 0.87:", realised < 0.87)
	// Output:
	// customers: 500 last order: 2025-01-01
	// test anchors of task churn: 3 from 2024-10-03
	// no model can score far above 0.87: true
}
