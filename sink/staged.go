package sink

import (
	"encoding/json"
	"fmt"

	"github.com/rowlink/rowlink/ingest"
)

// Run is a batch whose rows come in shards, from any number of processes, and are published
// all at once. Its parts stand beside each other until all are in; each is there once,
// however often and by however many processes it was computed, because the rows of a shard
// and the mark that it is done are one transaction ([StagedTable]) or one file ([StagedFolder]).
type Run struct {
	ID     string          // letters and digits; equal for equal batches
	Shards int             // how many there are, numbered from 0
	Spec   json.RawMessage // what was asked, for people
}

// Mark is what is kept of a shard beside its rows.
type Mark struct {
	Worker  string  // who computed it
	Kernels string  // path of the inner loops
	Seconds float64 // that it took
}

// Published is what became of a run.
type Published struct {
	Done bool  // readers see it
	Rows int64 // once it is done
	In   int   // shards that are in, of a run that is not done
}

// otherRun refuses a run that is something else than what was staged under its name.
func otherRun(run string) error {
	return &ingest.UserError{Msg: fmt.Sprintf("run %s is there with another number of shards", run), Hint: "name another run with --run"}
}
