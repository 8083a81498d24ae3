package server

import (
	"context"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Drifter is a [Backend] that tells how far the data has moved since a training.
type Drifter interface {
	// Drift compares the end of the data with the end of the training of the version in service.
	Drift(ctx context.Context, task string) (*DriftAnswer, error)
}

// DriftAnswer is what has moved.
type DriftAnswer struct {
	Task      string       `json:"task"`
	Version   string       `json:"version"`
	Anchor    time.Time    `json:"anchor" doc:"the moment that is looked at"`
	Reference time.Time    `json:"reference" doc:"the moment compared with: the end of the training"`
	Days      float64      `json:"days" doc:"length of both windows"`
	Score     *DriftItem   `json:"score,omitempty" doc:"predictions for who is eligible: the score, the most likely class, or the item ranked first"`
	Parts     []DriftItem  `json:"parts,omitempty" nullable:"false" doc:"of several classes the probability of each, of rankings all items and the first one's score"`
	Columns   []DriftItem  `json:"columns" nullable:"false" doc:"what moved most first"`
	Tables    []DriftTable `json:"tables" nullable:"false"`
	Skipped   []string     `json:"skipped" nullable:"false" doc:"what was not compared, and why"`
	Later     *LaterScores `json:"later,omitempty" doc:"how good the answers were once labels had closed; absent where none have since the test anchors"`
}

// LaterScores are scores at anchors from the test anchor on whose label windows have closed.
type LaterScores struct {
	Metric   string       `json:"metric"`
	Trained  Number       `json:"trained" doc:"on test, as the training reported it"`
	Score    Number       `json:"score" doc:"over all anchors together"`
	Examples int          `json:"examples"`
	Anchors  []LaterScore `json:"anchors" nullable:"false" doc:"the latest ones, in the order of time"`
}

// LaterScore is the score at one anchor.
type LaterScore struct {
	Anchor   time.Time `json:"anchor"`
	Examples int       `json:"examples"`
	Score    Number    `json:"score"`
}

// DriftItem compares two distributions.
type DriftItem struct {
	Name          string  `json:"name"`
	PSI           Number  `json:"psi" doc:"population stability index: below 0.1 stable, above 0.25 moved far"`
	KS            *Number `json:"ks,omitempty" doc:"of numbers: largest distance of the distribution functions"`
	ReferenceRows int     `json:"reference_rows"`
	Rows          int     `json:"rows"`
	Verdict       string  `json:"verdict" doc:"stable, moved, moved far, or few rows"`
}

// DriftTable compares how many rows came a day.
type DriftTable struct {
	Table           string `json:"table"`
	ReferencePerDay Number `json:"reference_per_day"`
	PerDay          Number `json:"per_day"`
}

// latest is the score at the last anchor.
func (l *LaterScores) latest() Number {
	if len(l.Anchors) == 0 {
		return Number(math.NaN())
	}
	return l.Anchors[len(l.Anchors)-1].Score
}

// addDrift registers the comparison, which is also what the metrics show of it last.
func (a api) addDrift() {
	d, ok := a.s.opt.Backend.(Drifter)
	if !ok {
		return
	}
	last := &lastDrift{}
	a.s.metrics.registry.MustRegister(last)
	add(a, ScopeRead, http.MethodGet, "/v1/tasks/{task}/drift", "get-drift", "How far the data has moved since the training of the version in service", func(ctx context.Context, in *taskInput) (*DriftAnswer, error) {
		ctx, cancel := within(ctx, a.s.limits.QueryTime)
		defer cancel()
		done, err := a.s.heavy(ctx)
		if err != nil {
			return nil, a.s.problemOf(ctx, err)
		}
		defer done()
		out, err := d.Drift(ctx, in.Task)
		if err != nil {
			return nil, a.s.problemOf(ctx, err) // here, because only this context has the deadline
		}
		last.keep(out)
		return out, nil
	}, 404, 422, 503, 504)
}

// lastDrift holds the last comparison of each task.
type lastDrift struct {
	mu sync.Mutex
	by map[string]*DriftAnswer
}

func (l *lastDrift) keep(a *DriftAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]*DriftAnswer{}
	}
	l.by[a.Task] = a
}

var driftDesc = prometheus.NewDesc("rowlink_drift_psi", "Population stability index of the last comparison of a task's data with its training; the score, and the ten columns that moved most.",
	[]string{"task", "version", "of"}, nil)

var laterDesc = prometheus.NewDesc("rowlink_later_score", "Score of a version's answers once labels had closed, of the last comparison: at the latest anchor, over all of them, and on test as the training reported it.",
	[]string{"task", "version", "metric", "of"}, nil)

// mostDrift bounds the columns of one task in the metrics.
const mostDrift = 10

// Describe sends the descriptions of all series.
func (*lastDrift) Describe(ch chan<- *prometheus.Desc) { ch <- driftDesc; ch <- laterDesc }

// Collect sends what was compared last.
func (l *lastDrift) Collect(ch chan<- prometheus.Metric) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.by {
		items := a.Columns[:min(mostDrift, len(a.Columns))]
		if a.Score != nil {
			items = append([]DriftItem{*a.Score}, items...)
		}
		for _, i := range items {
			ch <- prometheus.MustNewConstMetric(driftDesc, prometheus.GaugeValue, float64(i.PSI), a.Task, a.Version, i.Name)
		}
		if l := a.Later; l != nil {
			for of, v := range map[string]Number{"latest": l.latest(), "all": l.Score, "trained": l.Trained} {
				ch <- prometheus.MustNewConstMetric(laterDesc, prometheus.GaugeValue, float64(v), a.Task, a.Version, l.Metric, of)
			}
		}
	}
}
