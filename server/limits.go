package server

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Limits bounds what a request may cost. A zero field means its default.
type Limits struct {
	BodyBytes   int64 // largest request body; default 16 MiB
	HeaderBytes int   // largest request header; default 64 KiB
	JSONDepth   int   // deepest nesting of a body; default 64
	Entities    int   // most entities per request; default 10,000
	ExplainTop  int   // most explanation items per entity; default 100

	Concurrent int // predictions computed at the same time; default GOMAXPROCS
	Queue      int // predictions that may wait for a place; default 64, -1 = none
	QueryQueue int // questions that may wait for the one before; default 4, -1 = none

	ClientRate  float64 // requests a second of one client; 0 = any
	ClientBurst int     // of them at once; default twice the rate, at least 1

	QueueTime      time.Duration // while one waits for longer, new ones are refused; default 500 ms
	PredictTime    time.Duration // from admission to answer; default 30 s
	QueryTime      time.Duration // from admission to answer of a question; default 60 s
	ReadHeaderTime time.Duration // default 5 s
	ReadTime       time.Duration // header and body; default 30 s
	WriteTime      time.Duration // header to end of answer; default 90 s
	IdleTime       time.Duration // of a kept connection; default 2 min
	DrainGrace     time.Duration // between /readyz turning 503 and the closed listener; default 1 s, -1 = none
	DrainTime      time.Duration // for accepted requests after that; default 30 s
}

// orDefault sets a field that was left zero.
func orDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

func (l Limits) withDefaults() Limits {
	orDefault(&l.BodyBytes, 16<<20)
	orDefault(&l.HeaderBytes, 64<<10)
	orDefault(&l.JSONDepth, 64)
	orDefault(&l.Entities, 10_000)
	orDefault(&l.ExplainTop, 100)
	orDefault(&l.Concurrent, runtime.GOMAXPROCS(0))
	orDefault(&l.Queue, 64)
	orDefault(&l.QueryQueue, 4)
	orDefault(&l.ClientBurst, max(1, int(2*l.ClientRate)))
	orDefault(&l.QueueTime, 500*time.Millisecond)
	orDefault(&l.PredictTime, 30*time.Second)
	orDefault(&l.QueryTime, max(time.Minute, l.PredictTime))
	orDefault(&l.ReadHeaderTime, 5*time.Second)
	orDefault(&l.ReadTime, 30*time.Second)
	orDefault(&l.WriteTime, max(90*time.Second, l.ReadTime+max(l.PredictTime, l.QueryTime)))
	orDefault(&l.IdleTime, 2*time.Minute)
	orDefault(&l.DrainGrace, time.Second)
	orDefault(&l.DrainTime, 30*time.Second)
	for _, queue := range []*int{&l.Queue, &l.QueryQueue} {
		if *queue == -1 {
			*queue = 0
		}
	}
	if l.DrainGrace == -1 {
		l.DrainGrace = 0
	}
	return l
}

// validate joins all faults; it is called after withDefaults.
func (l Limits) validate() error {
	var faults []error
	atLeast := func(name string, have, want int64) {
		if have < want {
			faults = append(faults, fmt.Errorf("limit %s is %d, want at least %d", name, have, want))
		}
	}
	atLeast("BodyBytes", l.BodyBytes, 2)
	atLeast("HeaderBytes", int64(l.HeaderBytes), 1<<10)
	atLeast("JSONDepth", int64(l.JSONDepth), 3) // {"entities": [[1, "a"]]}
	atLeast("Entities", int64(l.Entities), 1)
	atLeast("ExplainTop", int64(l.ExplainTop), 1)
	atLeast("Concurrent", int64(l.Concurrent), 1)
	atLeast("Queue", int64(l.Queue), 0)
	atLeast("QueryQueue", int64(l.QueryQueue), 0)
	atLeast("ClientBurst", int64(l.ClientBurst), 1)
	if !(l.ClientRate >= 0) {
		faults = append(faults, fmt.Errorf("limit ClientRate is %g, want at least 0", l.ClientRate))
	}
	for _, t := range []struct {
		name string
		have time.Duration
	}{{"QueueTime", l.QueueTime}, {"PredictTime", l.PredictTime}, {"QueryTime", l.QueryTime}, {"ReadHeaderTime", l.ReadHeaderTime}, {"ReadTime", l.ReadTime},
		{"IdleTime", l.IdleTime}, {"DrainTime", l.DrainTime}} {
		if t.have <= 0 {
			faults = append(faults, fmt.Errorf("limit %s is %s, want more than 0", t.name, t.have))
		}
	}
	if l.DrainGrace < 0 {
		faults = append(faults, fmt.Errorf("limit DrainGrace is %s, want at least 0", l.DrainGrace))
	}
	if longest := max(l.PredictTime, l.QueryTime); l.WriteTime < longest {
		faults = append(faults, fmt.Errorf("limit WriteTime is %s, want at least PredictTime and QueryTime (%s)", l.WriteTime, longest))
	}
	return errors.Join(faults...)
}

// limitsAnswer is the body of GET /v1/limits.
type limitsAnswer struct {
	BodyBytes      int64   `json:"body_bytes" doc:"largest request body"`
	HeaderBytes    int     `json:"header_bytes" doc:"largest request header"`
	JSONDepth      int     `json:"json_depth" doc:"deepest nesting of a body"`
	Entities       int     `json:"entities" doc:"most entities per request"`
	ExplainTop     int     `json:"explain_top" doc:"most explanation items per entity"`
	Concurrent     int     `json:"concurrent" doc:"predictions computed at the same time"`
	Queue          int     `json:"queue" doc:"predictions that may wait for a place"`
	QueueSeconds   float64 `json:"queue_seconds" doc:"while one waits for longer, new predictions are refused"`
	PredictSeconds float64 `json:"predict_seconds" doc:"from admission to answer"`
	QueryQueue     int     `json:"query_queue" doc:"questions that may wait for the one before"`
	QuerySeconds   float64 `json:"query_seconds" doc:"from admission to answer of a question"`
	ClientRate     float64 `json:"client_rate" doc:"requests a second of one client (token or address), beyond which it gets 429; 0 = any"`
	ClientBurst    int     `json:"client_burst" doc:"requests of one client at once"`
	ReadSeconds    float64 `json:"read_seconds" doc:"time to send header and body"`
	WriteSeconds   float64 `json:"write_seconds" doc:"from the header to the end of the answer"`
	IdleSeconds    float64 `json:"idle_seconds" doc:"life of an unused connection"`
}

func (l Limits) answer() limitsAnswer {
	return limitsAnswer{
		BodyBytes: l.BodyBytes, HeaderBytes: l.HeaderBytes, JSONDepth: l.JSONDepth,
		Entities: l.Entities, ExplainTop: l.ExplainTop, Concurrent: l.Concurrent, Queue: l.Queue,
		QueueSeconds: l.QueueTime.Seconds(), QueryQueue: l.QueryQueue, QuerySeconds: l.QueryTime.Seconds(),
		ClientRate: l.ClientRate, ClientBurst: l.ClientBurst,
		PredictSeconds: l.PredictTime.Seconds(), ReadSeconds: l.ReadTime.Seconds(),
		WriteSeconds: l.WriteTime.Seconds(), IdleSeconds: l.IdleTime.Seconds(),
	}
}
