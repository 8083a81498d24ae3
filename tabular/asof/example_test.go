package asof_test

import (
	"fmt"

	"github.com/rowlink/rowlink/gnn/tensor"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tabular/asof"
)

// What a rider's rides looked like on day 10, as numbers with names. The ride of day 12
// is not known yet.
func Example() {
	snap := snapshot(
		[]rider{{1, day(1), 20, "red"}, {2, day(3), 40, "red"}, {3, day(5), 60, ""}},
		[]ride{
			{1, 0, day(2), ingest.Never, 10, "road"}, {2, 0, day(6), ingest.Never, 50, "gravel"}, {3, 1, day(7), ingest.Never, 20, "road"},
			{4, 0, day(10), ingest.Never, 30, "road"}, {5, 0, day(12), ingest.Never, 40, "gravel"},
		})
	graph, encoders := fitted(snap, ingest.TimeRule{}, day(12))
	pool := tensor.NewPool(1)
	plan, err := asof.New(graph, encoders, asof.Options{Entity: riders, HalfLives: []float64{4}}, pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(table(plan.Names, plan.Features(pool, []asof.Query{{Row: 0, Cut: day(10)}})))
	// Output:
	//  -1.3490  riders.age
	//   1.0000  riders.team = red
	//   2.3026  age of riders
	//   0.1499  mean rides.km (f2p_rider), half-life 4 d
	//   0.5556  share rides.bike = road (f2p_rider), half-life 4 d
	//   0.2222  share rides.bike = gravel (f2p_rider), half-life 4 d
	//   0.5878  count rides (f2p_rider), half-life 4 d
}
