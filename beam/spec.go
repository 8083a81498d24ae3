// Package beam runs the bulk jobs of rowlink on engines for many machines, as Apache Beam
// pipelines: labels, features, states and scores, entity by entity. It alone imports the
// SDK. It owns how rows travel (packages of many rows, keyed by bucket or by piece), what
// runs on a piece, and how results are written; what a row means is decided by the same
// packages as on one machine, over snapshots of the pieces (beam/piece).
package beam

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/rowlink/rowlink/beam/piece"
	"github.com/rowlink/rowlink/gnn/scan"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/ingest/parquet"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tabular/asof"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// Spec is what every worker knows of a job. It travels as JSON, so it holds no rows.
type Spec struct {
	Work     string         `json:"work"` // name of what runs on a piece
	Source   Source         `json:"source"`
	Schema   *schema.Schema `json:"schema"` // with the mapping applied
	Task     string         `json:"task"`   // text
	Options  tasks.Options  `json:"options"`
	Zone     string         `json:"zone"`
	Plan     *piece.Plan    `json:"plan"`
	Shards   int            `json:"shards"`  // pieces, and files of the result
	Buckets  int            `json:"buckets"` // parts of every join
	Out      string         `json:"out"`     // folder that all workers reach
	Scratch  string         `json:"scratch"` // folder for columns of large pieces; empty = in memory
	Snapshot string         `json:"snapshot"`
	Spans    []ingest.Span  `json:"spans"` // row times of the whole database, by table
	Asked    Asked          `json:"asked"` // of a stored version; zero for other jobs
	Made     []Made         `json:"made"`  // columns that come to the rows before they go to pieces
	All      []Made         `json:"all"`   // columns that any step of the job makes; nil = Made
	Scan     *Scan          `json:"scan"`  // networks of the layer scan; nil = none
	Judged   asof.Judged    `json:"judged"`
	Ranked   []asof.Ranked  `json:"ranked"`
	Draw     *Draw          `json:"draw"`     // of a sample; nil = all entities
	Features string         `json:"features"` // hash of the plan of features in the folder of the result; empty = none
}

// Hash identifies a job: equal jobs write equal files.
func (s *Spec) Hash() string {
	sum := sha256.Sum256([]byte(s.encode()))
	return hex.EncodeToString(sum[:8])
}

func (s *Spec) encode() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("beam: a job that cannot be encoded: %v", err)) // it holds plain values only
	}
	return string(text)
}

// describe fills in the parts of a spec that follow from a bound and resolved task.
func (s *Spec) describe(sc *schema.Schema, task *tasks.Task) {
	s.Schema, s.Task, s.Options = sc, task.Text, task.Options
	s.Zone, s.Options.Zone = "UTC", nil
	if z := task.Options.Zone; z != nil {
		s.Zone = z.String()
	}
}

// job is a spec as a worker uses it.
type job struct {
	*Spec
	task   *tasks.Task
	entity *schema.Table
	wide   *schema.Schema // with the columns that are made

	networks []*scan.Model // of the layer scan
}

// jobs keeps what was read, once per process: bundles come and go.
var jobs sync.Map // text of the spec -> *job

// load reads a spec.
func load(text string) (*job, error) {
	if j, ok := jobs.Load(text); ok {
		return j.(*job), nil
	}
	j := &job{Spec: &Spec{}}
	if err := json.Unmarshal([]byte(text), j.Spec); err != nil {
		return nil, fmt.Errorf("read the job: %w", err)
	}
	var err error
	if j.task, err = tql.Bind(j.Task, j.Schema); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(j.Zone)
	if err != nil {
		return nil, fmt.Errorf("read the job: %w", err)
	}
	j.task.Options = j.Options
	j.task.Options.Zone = zone
	j.entity = j.Schema.Tables[j.Plan.Entity]
	j.wide = j.widened()
	if err := j.loadNetworks(); err != nil {
		return nil, err
	}
	kept, _ := jobs.LoadOrStore(text, j)
	return kept.(*job), nil
}

// shardOf is the number of the piece of an entity; -1 for one with a NULL in its key.
func (j *job) shardOf(columns []ingest.Column, row int) int64 {
	h, ok := piece.Hash(columns, j.entity.Key, row)
	if !ok {
		return -1
	}
	return piece.Shard(h, j.Shards)
}

// fields are the columns of the result.
func (j *job) fields() []parquet.Field {
	return append(parquet.KeyFields(j.entity), works[j.Work].fields(j)...)
}
