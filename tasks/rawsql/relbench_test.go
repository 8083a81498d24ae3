package rawsql_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/internal/testdata"
	"github.com/rowlink/rowlink/tasks"
)

// relbenchRows give each of the two tasks that only SQL can say a few examples.
const relbenchRows = `
SET search_path = event;
INSERT INTO users VALUES (1), (2), (3);
INSERT INTO event_attendees (user_id, status, start_time) VALUES
  (1, 'yes', '2012-10-20 10:00'), (1, 'invited', '2012-11-09'), (1, 'maybe', '2012-11-30'), -- the test grid has no step before it with a row
  (2, 'no', '2012-10-20 10:00'), (2, 'yes', '2012-11-09'),
  (3, 'no', '2012-12-20');
SET search_path = trial;
INSERT INTO studies (nct_id) VALUES ('a'), ('b');
INSERT INTO outcomes (id, nct_id, outcome_type) VALUES (1, 'a', 'Primary'), (2, 'b', 'Secondary');
INSERT INTO facilities (facility_id) VALUES (5), (6);
INSERT INTO facilities_studies (id, nct_id, facility_id) VALUES (1, 'a', 5), (2, 'b', 6), (3, 'a', 6);
INSERT INTO outcome_analyses (id, nct_id, outcome_id, p_value, p_value_modifier, date) VALUES
  (1, 'a', 1, 0.5, NULL, '2016-01-05'), (2, 'a', 1, 0.01, NULL, '2020-06-01'), (3, 'a', 1, 0.2, NULL, '2020-06-01'),
  (4, 'a', 1, 0.01, NULL, '2020-07-01'), (5, 'b', 2, 0.01, NULL, '2020-07-01'), (6, 'a', 1, 0.3, '>', '2021-03-01'), (7, 'a', 1, 0.3, NULL, '2022-06-01');
`

// TestLabels_relbench runs the raw texts of relbench_tasks.txt over a handful of rows.
func TestLabels_relbench(t *testing.T) {
	ddl, err := os.ReadFile(testdata.Path(t, "golden", "queries", "relbench_schema.sql"))
	if err != nil {
		t.Fatal(err)
	}
	texts, err := os.ReadFile(testdata.Path(t, "golden", "queries", "relbench_tasks.txt"))
	if err != nil {
		t.Fatal(err)
	}
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), string(ddl)+relbenchRows); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ task, namespace, want string }{
		{"rel-event/user-repeat", "event", "1 2012-11-07 0"},
		{"rel-trial/site-success", "trial", "5 2020-01-01 0.5, 6 2020-01-01 0.5"},
	} {
		t.Run(c.namespace, func(t *testing.T) {
			_, rest, _ := strings.Cut(string(texts), "task: "+c.task+"\n")
			_, rest, _ = strings.Cut(rest, "query: ")
			text, _, _ := strings.Cut(rest, "\n\n")
			d := take(t, url, c.namespace)
			task, err := d.bind(t, text)
			if err != nil {
				t.Fatal(err)
			}
			l, err := tasks.Label(t.Context(), d.Snapshot, task, 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, v := range l.Label {
				got = append(got, fmt.Sprintf("%s %s %v", d.Tables[task.Entity].KeyText(l.Entity[i]), time.UnixMicro(l.Anchor[i]).UTC().Format(time.DateOnly), v))
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("labels %s\nwant   %s", text, c.want)
			}
		})
	}
}
