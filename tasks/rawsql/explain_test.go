package rawsql

import (
	"errors"
	"testing"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
	"github.com/rowlink/rowlink/tasks/tql"
)

// TestExplain gives each complaint of the database its code.
func TestExplain(t *testing.T) {
	const body = "SELECT 1 AS entity, 1 AS label"
	c := &composer{task: &tasks.Task{Text: body, Raw: &tasks.Raw{Label: body}}, sc: &schema.Schema{}}
	for state, want := range map[string]string{"42501": "TK198", "25006": "TK183", "57014": "TK199", "42703": "TK180"} {
		var list tql.Errors
		err := c.explain(&ingest.SQLError{Code: state, Message: "no"}, &statement{})
		if !errors.As(err, &list) || list[0].Code != want {
			t.Errorf("SQLSTATE %s gives %v, want %s", state, err, want)
		}
	}
}
