package main

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

func BenchmarkZZ(b *testing.B) {
	r := startServer(b, os.Getenv("ZZ_WS"))
	b.ReportAllocs()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range 4 {
		wg.Go(func() {
			for i := next.Add(1); i < int64(b.N); i = next.Add(1) {
				_, _, err := r.ask("/v1/tasks/churn/predict"+os.Getenv("ZZ_Q"), fmt.Sprintf(`{"entities":[%d]}`, 10001+i*7919%5000))
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	r.stop()
	<-r.code
}
