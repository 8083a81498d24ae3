package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// target is what is asked.
type target struct {
	url, task string
	keys      []string // as JSON
	each      int      // keys per request
	seed      uint64
}

// step is one load: of a rate, or of clients that wait.
type step struct {
	rate, clients int
	length        time.Duration
}

func (s step) String() string {
	if s.clients > 0 {
		return fmt.Sprintf("%d clients", s.clients)
	}
	return fmt.Sprintf("%d/s", s.rate)
}

// outcome is what came of a step.
type outcome struct {
	Step     string   `json:"step"`
	Seconds  float64  `json:"seconds"`
	Sent     float64  `json:"sent_per_second"`
	Accepted float64  `json:"answered_per_second"` // status 200
	Refused  int      `json:"refused"`             // status 503 with Retry-After
	Strange  int      `json:"other"`               // anything else, such as a reset
	First    string   `json:"first_other,omitempty"`
	Answer   quantile `json:"answers_ms"`
	Refusal  quantile `json:"refusals_ms"`
}

// quantile holds latencies in milliseconds.
type quantile struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func quantiles(ms []float64) (q quantile) {
	if len(ms) == 0 {
		return q
	}
	slices.Sort(ms)
	at := func(p float64) float64 { return ms[min(len(ms)-1, int(p*float64(len(ms))))] }
	return quantile{at(0.5), at(0.9), at(0.99), ms[len(ms)-1]}
}

// targeter draws the keys of one request after another.
func (t *target) targeter() vegeta.Targeter {
	random := rand.New(rand.NewPCG(t.seed, 0))
	var mu sync.Mutex
	header := http.Header{"Content-Type": {"application/json"}}
	where := t.url + "/v1/tasks/" + url.PathEscape(t.task) + "/predict"
	return func(out *vegeta.Target) error {
		var body bytes.Buffer
		body.WriteString(`{"entities":[`)
		mu.Lock()
		for i := range t.each {
			if i > 0 {
				body.WriteByte(',')
			}
			body.WriteString(t.keys[random.IntN(len(t.keys))])
		}
		mu.Unlock()
		body.WriteString("]}")
		*out = vegeta.Target{Method: http.MethodPost, URL: where, Header: header, Body: body.Bytes()}
		return nil
	}
}

// attack takes one step.
func (t *target) attack(ctx context.Context, s step) (*outcome, error) {
	workers, pacer := uint64(2_000), vegeta.Pacer(vegeta.ConstantPacer{Freq: s.rate, Per: time.Second})
	if s.clients > 0 {
		workers, pacer = uint64(s.clients), vegeta.ConstantPacer{}
	}
	a := vegeta.NewAttacker(vegeta.Workers(min(workers, 64)), vegeta.MaxWorkers(workers), vegeta.Connections(int(workers)), vegeta.Timeout(time.Minute), vegeta.HTTP2(false))
	stop := context.AfterFunc(ctx, func() { a.Stop() })
	defer stop()
	o := &outcome{Step: s.String()}
	var answers, refusals []float64
	start := time.Now()
	for r := range a.Attack(t.targeter(), pacer, s.length, "") {
		ms := float64(r.Latency) / float64(time.Millisecond)
		switch {
		case r.Code == http.StatusOK && r.Error == "":
			answers = append(answers, ms)
		case r.Code == http.StatusServiceUnavailable && r.Headers.Get("Retry-After") != "":
			refusals = append(refusals, ms)
		default:
			o.Strange++
			if o.First == "" {
				o.First = strings.TrimSpace(strconv.Itoa(int(r.Code)) + " " + r.Error + " " + string(r.Body))
				fmt.Fprintln(os.Stderr, "load:", o.First)
			}
		}
	}
	o.Seconds = time.Since(start).Seconds()
	o.Sent = float64(len(answers)+len(refusals)+o.Strange) / o.Seconds
	o.Accepted, o.Refused = float64(len(answers))/o.Seconds, len(refusals)
	o.Answer, o.Refusal = quantiles(answers), quantiles(refusals)
	return o, ctx.Err()
}

// readKeys reads FIRST-LAST, or the lines of a file.
func readKeys(text string) ([]string, error) {
	var first, last int
	if n, err := fmt.Sscanf(text, "%d-%d", &first, &last); err == nil && n == 2 && first <= last {
		out := make([]string, 0, last-first+1)
		for k := first; k <= last; k++ {
			out = append(out, strconv.Itoa(k))
		}
		return out, nil
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return nil, fmt.Errorf("keys %q: want FIRST-LAST or a file with one JSON key per line: %w", text, err)
	}
	out := strings.Fields(string(data))
	if len(out) == 0 {
		return nil, fmt.Errorf("keys: %s is empty", text)
	}
	return out, nil
}
