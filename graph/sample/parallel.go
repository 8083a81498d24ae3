package sample

import (
	"sync"
	"sync/atomic"
)

// crew shares the parts of a job among threads. It is used again and again without
// allocating: the goroutines start from functions that are made once.
type crew struct {
	run   []func()
	next  atomic.Int64
	parts int
	work  func(thread, part int)
	wait  sync.WaitGroup
}

// do calls work(thread, part) for the parts from 0 to parts-1 on that many threads. Which
// thread takes which part is not determined: work must not let it reach a result.
func (c *crew) do(threads, parts int, work func(thread, part int)) {
	threads = min(threads, parts)
	for len(c.run) < threads {
		thread := len(c.run)
		c.run = append(c.run, func() {
			c.take(thread)
			c.wait.Done()
		})
	}
	c.parts, c.work = parts, work
	c.next.Store(0)
	if threads > 1 {
		c.wait.Add(threads - 1)
		for _, run := range c.run[1:threads] {
			go run()
		}
	}
	c.take(0)
	c.wait.Wait()
	c.work = nil
}

func (c *crew) take(thread int) {
	for {
		part := int(c.next.Add(1)) - 1
		if part >= c.parts {
			return
		}
		c.work(thread, part)
	}
}
