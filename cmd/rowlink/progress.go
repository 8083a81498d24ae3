package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// progress prints one line with rate and time left, rewritten in place on a terminal
// and repeated now and then elsewhere. A nil progress prints nothing.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	begun    map[string]mark // where each kind of work stood when it was first seen
	last     time.Time
	shown    bool
}

// mark is how far some work was at a time.
type mark struct {
	at   time.Time
	done int64
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && isatty.IsTerminal(f.Fd()), begun: map[string]mark{}, last: time.Now()}
}

// update says that done of total units of what are through; total 0 = unknown, then
// only the rate is shown.
func (p *progress) update(what string, done, total int64, unit string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	every := 10 * time.Second
	if p.terminal {
		every = 100 * time.Millisecond
	}
	now := time.Now()
	first, ok := p.begun[what]
	if !ok {
		p.begun[what] = mark{now, done}
		return
	}
	if now.Sub(p.last) < every || done <= first.done {
		return
	}
	p.last = now
	rate := float64(done-first.done) / now.Sub(first.at).Seconds()
	line := fmt.Sprintf("%s: %d %s, %.0f/s", what, done, unit, rate)
	if total > 0 {
		left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
		line = fmt.Sprintf("%s: %d of %d %s (%d %%), %.0f/s, %s left", what, done, total, unit, done*100/total, rate, left)
	}
	p.print(line)
}

func (p *progress) print(line string) {
	if p.terminal {
		fmt.Fprintf(p.w, "\r\033[K%s", line)
		p.shown = true
		return
	}
	fmt.Fprintln(p.w, line)
}

// say prints a line that stays and begins a new stretch of work.
func (p *progress) say(format string, args ...any) {
	if p == nil {
		return
	}
	p.clear()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, format+"\n", args...)
	p.begun = map[string]mark{}
	p.last = time.Now()
}

// clear takes away the line that is rewritten in place.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\033[K")
		p.shown = false
	}
}
