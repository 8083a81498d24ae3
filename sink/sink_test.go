package sink_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/internal/pgtest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/sink"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var columns = []sink.Column{{"id", schema.Int}, {"na\"me", schema.Text}, {"at", schema.Time}, {"p", schema.Float}, {"ok", schema.Bool}}

// rows yields n rows, and then fails if it shall.
func rows(n int, fail error) func() ([]any, error) {
	i := 0
	return func() ([]any, error) {
		if i++; i > n {
			return nil, fail
		}
		return []any{int64(i), fmt.Sprintf("n'%d", i), time.Unix(int64(i), 0), float64(i) / 4, i%2 == 0}, nil
	}
}

func query(t *testing.T, url, text string) (out string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), text).Scan(&out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

func TestWrite(t *testing.T) {
	url := pgtest.URL(t)
	write := func(table string, more bool, n int, fail error) error {
		_, err := sink.Write(t.Context(), url, sink.Table{Name: table, Append: more}, columns, rows(n, fail))
		return err
	}
	count := `SELECT count(*)::text || ' ' || coalesce(sum(p), 0)::text FROM "Scores"`
	if err := write("Scores", false, 3, nil); err != nil {
		t.Fatal(err)
	}
	if got := query(t, url, count); got != "3 1.5" {
		t.Errorf("after the first run: %s", got)
	}
	if got := query(t, url, `SELECT id::text || "na""me" || (extract(epoch FROM at))::int || p || ok FROM "Scores" ORDER BY id DESC LIMIT 1`); got != "3n'330.75false" {
		t.Errorf("the last row: %s", got)
	}
	// Who may read the table still may after it was replaced.
	query(t, url, `SELECT set_config('x.y', '1', false)`)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `GRANT SELECT ON "Scores" TO PUBLIC; CREATE VIEW seen AS SELECT id FROM "Scores"`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		more bool
		n    int
		fail error
		want string
	}{{false, 2, nil, "2 0.75"}, {true, 2, nil, "4 1.5"}, {false, 5, errors.New("disk full"), "4 1.5"}, {false, 0, nil, "0 0"}} {
		err := write("Scores", c.more, c.n, c.fail)
		if (err == nil) != (c.fail == nil) {
			t.Errorf("%+v: %v", c, err)
		}
		if got := query(t, url, count); got != c.want {
			t.Errorf("%+v: %s in the table", c, got)
		}
	}
	if got := query(t, url, `SELECT relacl::text FROM pg_class WHERE relname = 'Scores'`); !strings.Contains(got, "=r/") {
		t.Errorf("the grant is gone: %s", got)
	}
}

// TestWrite_wrong leaves everything as it was, and says what to do.
func TestWrite_wrong(t *testing.T) {
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE orders (id bigint, total text); INSERT INTO orders VALUES (1, 'x')"); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]string{"orders": `table orders has column "na\"me" of type "", what is written has "text"`, "a.b.c": "no name of a table", "": "no name of a table", "nowhere.x": "cannot be made"} {
		_, err := sink.Write(t.Context(), url, sink.Table{Name: table}, columns, rows(1, nil))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", table, err, want)
		}
	}
	if got := query(t, url, "SELECT count(*)::text FROM orders"); got != "1" {
		t.Errorf("%s orders are left", got)
	}
	_, err = sink.Write(t.Context(), "postgres://someone:hunter2@127.0.0.1:1/none?sslmode=disable", sink.Table{Name: "x"}, columns, rows(1, nil))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("no server: %v", err)
	}
}

// TestWrite_readers: while a table is replaced, readers see the rows before or the rows
// after, never fewer.
func TestWrite_readers(t *testing.T) {
	url := pgtest.URL(t)
	write := func(n int) error {
		_, err := sink.Write(t.Context(), url, sink.Table{Name: "scores"}, columns, rows(n, nil))
		return err
	}
	if err := write(2000); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for {
			select {
			case <-stop:
				done <- err
				return
			default:
				err = errors.Join(err, write(2000))
			}
		}
	}()
	for range 30 {
		if got := query(t, url, "SELECT count(*)::text FROM scores"); got != "2000" {
			t.Errorf("a reader sees %s rows", got)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
