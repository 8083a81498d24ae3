package train_test

import (
	"context"
	"fmt"
	"log"

	"github.com/rowlink/rowlink/gnn/model"
	"github.com/rowlink/rowlink/gnn/train"
	"github.com/rowlink/rowlink/internal/shop"
)

// A network of two hops is trained on the labels of a small shop for three passes over
// them; the parameters of the best pass on validation are kept.
func Example() {
	d := data(shop.Churn) // the graph and the label table of the task "churn"
	r, err := train.Fit(context.Background(), d, train.Options{
		Model: model.Config{Width: 8, FanOut: []int{6, 3}}, Epochs: 3, Batch: 64, Seed: 7,
		OnEpoch: func(e train.Epoch) { fmt.Println("epoch", e.Number, "of", e.Seeds, "seeds") },
	})
	if err != nil {
		log.Fatal(err)
	}
	best := r.Epochs[r.Best.Number-1]
	fmt.Println("metric:", r.Metric, "better than chance:", best.Val > 0.5, "kept:", best == r.Best)
	fmt.Println(r.Model)
	// Output:
	// epoch 1 of 368 seeds
	// epoch 2 of 368 seeds
	// epoch 3 of 368 seeds
	// metric: roc_auc better than chance: true kept: true
	// sage(decay(60d, 480d), 8 -> 8) + sage(decay(60d, 480d), 8 -> 8), fan-out [6 3] latest, 13066 parameters
}
