package ingest

import "context"

// Levels of a [Finding], mildest first.
const (
	LevelOK      = "ok"      // checked and as it should be
	LevelInfo    = "info"    // worth knowing
	LevelWarning = "warning" // works, but not as well as it could
	LevelError   = "error"   // must be repaired before the database can be read
)

// A Finding is one line of what an examination of a database had to say.
type Finding struct {
	Level  string `json:"level"`            // one of the Level constants
	Check  string `json:"check"`            // what was looked at: "role", "row security"
	Detail string `json:"detail"`           // what was found
	Repair string `json:"repair,omitempty"` // text to paste that repairs it; may be empty
	Case   int    `json:"case,omitempty"`   // number in the source's list of cases (docs/postgres.md); 0 = none
}

// A Doctor examines the part of a database that a source shows, and says how to
// repair what is in the way. It is an optional ability of a [Source].
type Doctor interface {
	Doctor(ctx context.Context) ([]Finding, error)
}

// A Reporter tells what became of values that a snapshot cannot hold (infinite
// dates, numbers outside float64): an optional ability of a [Source], asked after Read.
type Reporter interface {
	Findings() []Finding
}
