package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// watchEvery is how often memory is looked at.
const watchEvery = 5 * time.Millisecond

// memoryWatch notes the largest resident memory since it began.
type memoryWatch struct {
	quit, done chan struct{}
	anon, rss  float64
}

// watchMemory begins with memory that nobody uses given back.
func watchMemory() *memoryWatch {
	debug.FreeOSMemory()
	w := &memoryWatch{quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for {
			anon, rss := resident()
			w.anon, w.rss = max(w.anon, anon), max(w.rss, rss)
			select {
			case <-w.quit:
				return
			case <-time.After(watchEvery):
			}
		}
	}()
	return w
}

// stop returns the peaks in MB of 1e6 bytes: of memory that only this process has
// (heap, stacks), and of all of it with the mapped pages that happened to be resident.
func (w *memoryWatch) stop() (anonMB, rssMB float64) {
	close(w.quit)
	<-w.done
	return w.anon, w.rss
}

// resident reads the process's memory in MB; zeros where the system does not tell.
func resident() (anonMB, rssMB float64) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		if key != "RssAnon" && key != "VmRSS" {
			continue
		}
		kib, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		if key == "RssAnon" {
			anonMB = kib * 1024 / 1e6
		} else {
			rssMB = kib * 1024 / 1e6
		}
	}
	return anonMB, rssMB
}
