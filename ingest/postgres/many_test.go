package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/internal/pgtest"
)

// queryCount counts statements.
type queryCount struct{ atomic.Int64 }

func (q *queryCount) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.Add(1)
	return ctx
}

func (q *queryCount) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// More tables than can be meant are refused, with the way out.
func TestCase10_tooMany(t *testing.T) {
	c := &catalog{namespaces: []namespace{{name: "erp", usable: true}}, wanted: []string{"erp"}}
	for i := range maxTables + 1 {
		c.relations = append(c.relations, &relation{namespace: "erp", name: fmt.Sprint("t", i), kind: "r", readable: true})
	}
	var user *ingest.UserError
	if err := c.refuse(); !errors.As(err, &user) || !strings.Contains(err.Error(), "10001 tables") || !strings.Contains(user.Hint, "--schema") {
		t.Errorf("error %v, want one about 10001 tables", err)
	}
	c.relations = c.relations[1:]
	if err := c.refuse(); err != nil {
		t.Error(err)
	}
}

// The structure takes the same number of queries however many tables there are.
func TestCase10_manyTables(t *testing.T) {
	tables := pgtest.Times(200, 5000) // of 5,000: docs/log.md
	u := pgtest.URL(t)
	conn := admin(t, u)
	count := func() (queries int64, took time.Duration, links int) {
		config, err := parseURL(u)
		if err != nil {
			t.Fatal(err)
		}
		q := &queryCount{}
		config.Tracer = q
		ses, err := connect(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		s := &Source{config: config, namespaces: []string{"public"}, piece: pieceLimit, session: ses}
		defer s.Close()
		start := time.Now()
		sch, err := s.Schema(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range sch.Tables {
			links += len(table.Links)
		}
		return q.Load(), time.Since(start), links
	}
	mustExec(t, conn, "CREATE TABLE parent (id int PRIMARY KEY)", "CREATE TABLE child_0 (id int PRIMARY KEY, p int REFERENCES parent)",
		"CREATE TABLE part (id int) PARTITION BY RANGE (id)")
	few, _, _ := count()
	for from := 1; from < tables; from += 500 {
		mustExec(t, conn, fmt.Sprintf(`DO $$ BEGIN FOR i IN %d..%d LOOP
 EXECUTE format('CREATE TABLE child_%%s (id int PRIMARY KEY, p int REFERENCES parent, a text, b timestamp, c float8, d numeric, e bool)', i); END LOOP; END $$`, from, min(from+499, tables-1)))
	}
	many, took, links := count()
	if few != many || links != tables {
		t.Errorf("%d queries for 3 tables, %d for %d, %d links", few, many, tables, links)
	}
	t.Logf("%d tables: %d queries, %v", tables, many, took)
	if took > 20*time.Second {
		t.Errorf("%v for %d tables; aim at 5 s on a quiet machine", took, tables)
	}
}
