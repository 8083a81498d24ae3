package predict_test

import (
	"context"
	"fmt"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/predict"
	"github.com/rowlink/rowlink/tasks"
)

// byRow stands in for a trained network: the later row is the likelier one.
type byRow struct{}

func (byRow) Score(_ context.Context, queries []model.Query) ([]float64, error) {
	out := make([]float64, len(queries))
	for i, q := range queries {
		out[i] = 0.25 + 0.5*float64(q.Row)
	}
	return out, nil
}

// A predictor answers for the riders who are eligible at an anchor; one who has not
// joined by then can be told from the rest.
func Example() {
	snap := snapshot(someRides, someRepairs)
	p, err := predict.New(snap, bind(snap, tasks.Binary), byRow{}, nil, day(18))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("rider of row 2 is known on day 10:", p.Visible(2, day(10)))
	all, err := p.All(context.Background(), day(10))
	if err != nil {
		fmt.Println(err)
		return
	}
	answers, err := p.Predict(context.Background(), all, day(10), 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range answers {
		fmt.Printf("rider %s rides soon: %v, probability %.2f\n", snap.Tables[riders].KeyText(a.Row), a.Value, *a.Probability)
	}
	_, err = p.Predict(context.Background(), []int32{0}, day(1), 0)
	fmt.Println(err)
	// Output:
	// rider of row 2 is known on day 10: false
	// rider 11 rides soon: false, probability 0.25
	// rider 12 rides soon: true, probability 0.75
	// anchor 2024-01-01T00:00:00Z lies before the data, which begins at 2024-01-03T00:00:00Z
}
