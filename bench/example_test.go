package bench_test

import (
	"context"
	"fmt"
	"log"
	"regexp"

	"github.com/rowlink/rowlink/bench"
)

// One load at one thread: its figure is the median of single passes.
func Example() {
	figures, err := bench.Run(context.Background(), bench.Options{
		Match: regexp.MustCompile("^gemm/NN/2000x512x128$"), Threads: []int{1}, Env: bench.Env{Quick: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range figures {
		fmt.Println(f.Case, f.Threads, f.Unit, f.Median > 0)
	}
	// Output: gemm/NN/2000x512x128 1 GFLOP/s true
}
