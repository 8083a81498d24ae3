// Load asks a running server for predictions, at a rate that does not wait for answers
// (an open loop: a slow answer delays no later request, so none of the waiting is
// hidden), or by clients that each wait for their answer:
//
//	go run ./bench/load -task churn -keys 10001-15000 -rates 500,1000    open, 10 s each
//	go run ./bench/load -task churn -keys 10001-15000 -clients 8         closed
//	go run ./bench/load -task churn -keys 10001-15000 -overload          1, 3 and 1 times what 64 clients get
//
// It prints one row per step. Latencies are of answers with status 200, and beside them
// those of refusals; what came back otherwise is counted apart and makes the exit code 1.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	var t target
	flag.StringVar(&t.url, "url", "http://127.0.0.1:8080", "where the server listens")
	flag.StringVar(&t.task, "task", "", "task to ask")
	keys := flag.String("keys", "", "keys to draw from: FIRST-LAST, or a file with one JSON key per line")
	flag.IntVar(&t.each, "each", 1, "keys per request")
	flag.Uint64Var(&t.seed, "seed", 1, "of the draws")
	rates := flag.String("rates", "", "requests per second, one step each, separated by commas")
	clients := flag.String("clients", "", "waiting clients, one step each, separated by commas")
	overload := flag.Bool("overload", false, "find what 64 clients get, then offer half, three times and half of it")
	length := flag.Duration("for", 10*time.Second, "length of a step")
	asJSON := flag.Bool("json", false, "one JSON object per step")
	flag.Parse()
	if err := run(&t, *keys, plan{*rates, *clients, *overload, *length}, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// plan says which steps to take.
type plan struct {
	rates, clients string
	overload       bool
	length         time.Duration
}

func run(t *target, keys string, p plan, asJSON bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if t.task == "" || keys == "" {
		return fmt.Errorf("-task and -keys are needed, such as -task churn -keys 10001-15000")
	}
	var err error
	if t.keys, err = readKeys(keys); err != nil {
		return err
	}
	steps, err := p.steps()
	if err != nil {
		return err
	}
	show := printer(asJSON)
	strange := 0
	take := func(s step) (*outcome, error) {
		o, err := t.attack(ctx, s)
		if err != nil {
			return nil, err
		}
		strange += o.Strange
		return o, show(o)
	}
	for _, s := range steps {
		if _, err := take(s); err != nil {
			return err
		}
	}
	if p.overload {
		most, err := take(step{clients: 64, length: p.length})
		if err != nil {
			return err
		}
		for _, part := range []float64{0.5, 3, 0.5} {
			if _, err := take(step{rate: int(part * most.Accepted), length: p.length}); err != nil {
				return err
			}
		}
	}
	if strange > 0 {
		return fmt.Errorf("%d requests got neither an answer nor a refusal", strange)
	}
	return nil
}

func (p plan) steps() (out []step, err error) {
	for _, part := range []struct {
		text string
		add  func(n int) step
	}{
		{p.rates, func(n int) step { return step{rate: n, length: p.length} }},
		{p.clients, func(n int) step { return step{clients: n, length: p.length} }},
	} {
		for text := range strings.SplitSeq(part.text, ",") {
			if text == "" {
				continue
			}
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("step %q: want a number of requests per second or of clients, at least 1", text)
			}
			out = append(out, part.add(n))
		}
	}
	if len(out) == 0 && !p.overload {
		return nil, fmt.Errorf("nothing to do: -rates, -clients or -overload is needed")
	}
	return out, nil
}

// printer returns what prints the outcome of a step.
func printer(asJSON bool) func(*outcome) error {
	if asJSON {
		enc := json.NewEncoder(os.Stdout)
		return func(o *outcome) error { return enc.Encode(o) }
	}
	const row = "%-14s %8s %8s %8s %8s   %8s %8s %8s %8s   %8s %8s\n"
	fmt.Printf(row, "step", "sent/s", "200/s", "503", "other", "p50 ms", "p90", "p99", "max", "503: p50", "p99")
	whole := func(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
	ms := func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
	return func(o *outcome) error {
		_, err := fmt.Printf(row, o.Step, whole(o.Sent), whole(o.Accepted), strconv.Itoa(o.Refused), strconv.Itoa(o.Strange),
			ms(o.Answer.P50), ms(o.Answer.P90), ms(o.Answer.P99), ms(o.Answer.Max), ms(o.Refusal.P50), ms(o.Refusal.P99))
		return err
	}
}
