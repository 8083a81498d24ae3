package boost_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"github.com/rowlink/rowlink/tabular/boost"
)

// The price of a flat grows with its area, and more so in the old town; for some flats the
// area is not known.
func Example() {
	area, part, price := make([]float64, 400), make([]float64, 400), make([]float64, 400)
	for i := range price {
		area[i], part[i] = float64(30+i%7*10), float64(i%3)
		price[i] = 3 * area[i]
		if part[i] == 1 {
			price[i] *= 2
		}
		if i%10 == 0 {
			area[i] = math.NaN()
		}
	}
	d := &boost.Dataset{Label: price, Columns: []boost.Column{
		{Name: "area", Values: area, Monotone: 1},
		{Name: "part of town", Values: part, Categories: []string{"harbour", "old town", "hill"}},
	}}
	m, err := boost.Fit(context.Background(), d, boost.Options{Rounds: 100, MaxLeaves: 8, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	flat := []float64{90, 1}
	fmt.Printf("price of 90 m2 in the old town: %.0f\n", m.Predict(flat, 1)[0])
	why := m.Explain(flat)
	fmt.Printf("mean price %.0f, area %+.0f, part of town %+.0f\n", why[2], why[0], why[1])
	// Output:
	// price of 90 m2 in the old town: 535
	// mean price 240, area +149, part of town +147
}
