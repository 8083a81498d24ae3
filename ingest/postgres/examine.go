package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// caseOf gives a check its number in the list of docs/postgres.md.
var caseOf = map[string]int{
	"tls": 38, "version": 81, "standby": 47, "encoding": 75, "pooler": 48, "read-only": 36, "connections": 53,
	"time-outs": 49, "old snapshots": 45, "role": 36, "permission": 29, "row security": 31, "schema": 4, "links": 23, "keys": 24,
	"time": 82, "time zone": 66, "skipped": 9, "size": 11, "secret": 39, "unread type": 73, "collation": 28, "inheritance": 79, "not validated": 18, "not followed": 25, "printed": 72,
}

// limits looks at what the server allows a reader: connections and how long it may idle
// and hold a snapshot.
func (e *examination) limits(ctx context.Context) error {
	var free, limit int
	var idle, old string
	err := e.source.session.conn.QueryRow(ctx, `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
 - (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend')::int,
 (SELECT rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = current_user),
 current_setting('idle_in_transaction_session_timeout'), COALESCE(current_setting('old_snapshot_threshold', true), '-1')`).
		Scan(&free, &limit, &idle, &old)
	if err != nil {
		return err
	}
	role := quote(e.cat.role)
	switch {
	case limit >= 0 && limit <= maxWorkers:
		e.add(ingest.LevelWarning, "connections", fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT 8", role),
			"role %q may open %d connections; a read uses up to %d", e.cat.role, limit, maxWorkers+1)
	case free < maxWorkers:
		e.add(ingest.LevelWarning, "connections", "", "the server has %d free connections; a read uses up to %d and makes do with fewer", free, maxWorkers+1)
	default:
		e.add(ingest.LevelOK, "connections", "", "at least %d are free; a read uses up to %d", maxWorkers, maxWorkers+1)
	}
	if idle != "0" {
		e.add(ingest.LevelInfo, "time-outs", "", "idle_in_transaction_session_timeout is %s; the transaction that holds the snapshot lifts it for itself", idle)
	}
	if old != "-1" {
		e.add(ingest.LevelWarning, "old snapshots", "ALTER SYSTEM SET old_snapshot_threshold = -1",
			"old_snapshot_threshold is %s: a read that takes longer fails (the setting needs a restart)", old)
	}
	return nil
}

// relations looks at what single tables and columns hold in store.
func (e *examination) relations() {
	var naive, secret, opaque []string
	for _, r := range e.cat.relations {
		if !r.used() || e.cat.denied(r) != "" {
			continue
		}
		if r.parents {
			e.add(ingest.LevelInfo, "inheritance", "", "%s: its own rows only are read; tables that inherit from it are tables of their own", r.full())
		}
		for _, l := range r.links {
			if !l.valid {
				e.add(ingest.LevelWarning, "not validated", fmt.Sprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", quote(r.namespace, r.name), quote(l.name)),
					"foreign key %s of %s was never validated: rows may refer to nothing and then have no parent", l.name, r.full())
			}
		}
		identity := e.cat.identity(r)
		for _, a := range r.attrs {
			keyed := slices.Contains(identity, a.num)
			if a.vague && keyed {
				e.add(ingest.LevelWarning, "collation", "", "%s.%s: a key whose collation counts different texts as equal; rows are linked where texts are the same to the byte", r.full(), a.name)
			}
			t, _, _, _ := e.cat.baseType(a)
			f, known := e.cat.format(a, keyed)
			name := r.full() + "." + a.name
			switch {
			case schema.SecretName(a.name) != "" && !keyed:
				secret = append(secret, name)
			case !known || f.kind == schema.Opaque:
				opaque = append(opaque, name+" ("+a.print+")")
			case t.name == "timestamp":
				naive = append(naive, name)
			}
		}
	}
	for _, o := range e.cat.unfollowed() {
		e.add(ingest.LevelInfo, "not followed", "", "%s", o)
	}
	if printed := e.cat.printed(); len(printed) > 0 {
		e.add(ingest.LevelInfo, "printed", "", "read as the text that the server prints and not looked into: %s", list(printed))
	}
	if len(naive) > 0 {
		e.add(ingest.LevelInfo, "time zone", "", "without time zone, taken as UTC unless mapping.yaml names a zone: %s", list(naive))
	}
	if len(secret) > 0 {
		e.add(ingest.LevelInfo, "secret", "", "named like secrets and not read: %s", list(secret))
	}
	if len(opaque) > 0 {
		e.add(ingest.LevelInfo, "unread type", "", "of types that are not read: %s", list(opaque))
	}
}

// times looks at date and timestamp columns by the statistics that ANALYZE left: no table
// is read. The report of an ingest counts the rows.
func (e *examination) times(ctx context.Context) error {
	now := time.Now().UTC().Format("2006-01-02 15:04:05")
	var table, column string
	var nulls float64
	var last, common string
	var future, epoch []string
	// The array of a histogram has the type of the column, which SQL cannot name here; its
	// text ends with the largest value. Infinite dates are text too.
	err := each(ctx, e.source.session.conn, `SELECT s.schemaname || '.' || s.tablename, s.attname::text, s.null_frac::float8,
 COALESCE(regexp_replace(s.histogram_bounds::text, '^.*[,{]"?([^,"{}]*)"?}$', '\1'), ''), COALESCE(s.most_common_vals::text, '')
 FROM pg_catalog.pg_stats s JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
 JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
 WHERE c.oid = ANY($1::oid[]) AND NOT s.inherited AND a.atttypid IN (1082, 1114, 1184) ORDER BY 1, 2`,
		[]any{e.cat.tables()}, []any{&table, &column, &nulls, &last, &common}, func() {
			name := table + "." + column
			if last > now && last[0] != '-' && last[0] != 'i' {
				future = append(future, fmt.Sprintf("%s up to %s", name, last))
			}
			if strings.Contains(common, "1970-01-01") {
				epoch = append(epoch, name)
			}
			if nulls > 0.5 {
				e.add(ingest.LevelInfo, "time", "", "%s is NULL in %.0f %% of the rows", name, 100*nulls)
			}
		})
	if err != nil {
		return err
	}
	if len(future) > 0 {
		e.add(ingest.LevelInfo, "time", "", "times that lie ahead: %s; if one is the time of its rows, they are not seen before it", list(future))
	}
	if len(epoch) > 0 {
		e.add(ingest.LevelWarning, "time", "", "1970-01-01 is frequent in %s: it may stand for no time, and then the rows are seen too early", list(epoch))
	}
	return nil
}
