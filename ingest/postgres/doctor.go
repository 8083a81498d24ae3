package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// oldest is the first server version that the catalog queries are written for.
const oldest = 12

// Doctor opens the database that url names and examines the given namespaces; see
// [Source.Doctor]. A database that cannot be reached is an error, not a finding.
func Doctor(ctx context.Context, url string, schemas []string) ([]ingest.Finding, error) {
	s, err := Open(ctx, url, ingest.OpenOptions{Schemas: schemas})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Doctor(ctx)
}

// Doctor examines server, role and tables in one read-only transaction and tells what
// is in the way of reading them, with the SQL that repairs it.
func (s *Source) Doctor(ctx context.Context) ([]ingest.Finding, error) {
	if err := s.begin(ctx); err != nil {
		return nil, sourceError("examine database", err, s.config)
	}
	defer s.session.rollback()
	cat, err := s.readCatalog(ctx)
	if err != nil {
		return nil, err
	}
	e := &examination{source: s, cat: cat}
	for _, look := range []func(context.Context) error{e.server, e.limits, e.role, e.tables, e.times, e.size} {
		if err := look(ctx); err != nil {
			return nil, sourceError("examine database", err, s.config)
		}
	}
	return e.findings, nil
}

// examination collects findings.
type examination struct {
	source   *Source
	cat      *catalog
	findings []ingest.Finding
}

func (e *examination) add(level, check, repair, detail string, args ...any) {
	f := ingest.Finding{Level: level, Check: check, Detail: fmt.Sprintf(detail, args...), Repair: repair}
	if level != ingest.LevelOK {
		f.Case = caseOf[check]
	}
	e.findings = append(e.findings, f)
}

// server looks at the connection and at properties of the whole database.
func (e *examination) server(ctx context.Context) error {
	ses := e.source.session
	var version, encoding, readOnly string
	var standby, tls bool
	err := ses.conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('server_encoding'),
 current_setting('transaction_read_only'), pg_is_in_recovery(),
 COALESCE((SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid()), false)`).
		Scan(&version, &encoding, &readOnly, &standby, &tls)
	if err != nil {
		return err
	}
	e.add(ingest.LevelOK, "connection", "", "connected to %s, database %q", address(e.source.config), e.source.config.Database)
	switch {
	case tls:
		e.add(ingest.LevelOK, "tls", "", "the connection is encrypted")
	case remote(e.source.config):
		e.add(ingest.LevelWarning, "tls", "add sslmode=verify-full to the database URL", "the connection to another machine is not encrypted")
	default:
		e.add(ingest.LevelInfo, "tls", "", "not encrypted; the server runs on this machine")
	}
	if ses.major < oldest {
		e.add(ingest.LevelWarning, "version", "", "PostgreSQL %s is older than %d, the oldest version that rowlink is written for", version, oldest)
	} else {
		e.add(ingest.LevelOK, "version", "", "PostgreSQL %s", version)
	}
	if standby {
		e.add(ingest.LevelInfo, "standby", "ALTER SYSTEM SET hot_standby_feedback = on; SELECT pg_reload_conf()",
			"this is a standby: a long read may be cancelled by replay")
	}
	if ses.ascii {
		e.add(ingest.LevelWarning, "encoding", "", "encoding SQL_ASCII: bytes that are not UTF-8 are replaced by U+FFFD")
	} else {
		e.add(ingest.LevelOK, "encoding", "", "encoding %s", encoding)
	}
	if readOnly != "on" {
		e.add(ingest.LevelError, "read-only", "", "the reading transaction is not read-only")
	} else {
		e.add(ingest.LevelOK, "read-only", "", "reading transactions are read-only")
	}
	if ses.pooled {
		e.add(ingest.LevelWarning, "pooler", "use the server's own address in the database URL",
			"a connection pooler stands before the server: tables are read one after the other")
	}
	return nil
}

// role looks at what the role may do, which should be reading and nothing else.
func (e *examination) role(ctx context.Context) error {
	var super bool
	err := e.source.session.conn.QueryRow(ctx, "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user").Scan(&super)
	if err != nil {
		return err
	}
	own := "CREATE ROLE rowlink LOGIN PASSWORD '...' CONNECTION LIMIT 8; GRANT pg_read_all_data TO rowlink"
	if e.source.session.major < 14 {
		own = "CREATE ROLE rowlink LOGIN PASSWORD '...' CONNECTION LIMIT 8; GRANT SELECT ON ALL TABLES IN SCHEMA " + quote(e.cat.wanted[0]) + " TO rowlink"
	}
	if super {
		e.add(ingest.LevelWarning, "role", own, "role %q is a superuser; reading needs SELECT only", e.cat.role)
		return nil
	}
	var writable int
	err = e.source.session.conn.QueryRow(ctx, `SELECT count(*) FROM unnest($1::oid[]) AS t(oid)
 WHERE has_table_privilege(t.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')`, e.cat.tables()).Scan(&writable)
	if err != nil {
		return err
	}
	if writable > 0 {
		e.add(ingest.LevelInfo, "role", own, "role %q may write to %d tables; reading needs SELECT only", e.cat.role, writable)
	} else {
		e.add(ingest.LevelOK, "role", "", "role %q may read and not write", e.cat.role)
	}
	return nil
}

// tables looks at what can be read and whether it makes a graph with time.
func (e *examination) tables(context.Context) error {
	for _, r := range e.cat.relations {
		if r.rls && r.used() && r.anyReadable() {
			e.add(ingest.LevelError, "row security", fmt.Sprintf("ALTER ROLE %s BYPASSRLS", quote(e.cat.role)),
				"row-level security would hide rows of %s from role %q", r.full(), e.cat.role)
		}
		if r.used() {
			if grant := e.cat.denied(r); grant != "" {
				e.add(ingest.LevelWarning, "permission", grant, "role %q may not read %s", e.cat.role, r.full())
			}
		}
	}
	for _, w := range e.cat.wanted {
		if !slices.ContainsFunc(e.cat.namespaces, func(n namespace) bool { return n.name == w }) {
			e.add(ingest.LevelError, "schema", "", "schema %q does not exist", w)
		}
	}
	s, err := e.cat.schema()
	if err != nil {
		e.add(ingest.LevelError, "tables", "", "%v", err)
		return nil
	}
	e.structure(s)
	e.relations()
	return nil
}

// structure looks at keys, links and times.
func (e *examination) structure(s *schema.Schema) {
	var links int
	var keyless, timeless, borrowed []string
	inferred := s.Clone()
	schema.Infer(inferred, nil)
	for i, t := range s.Tables {
		links += len(t.Links)
		if len(t.Key) == 0 {
			keyless = append(keyless, t.FullName())
		}
		switch time := inferred.Tables[i].Time; {
		case time == nil:
			timeless = append(timeless, t.FullName())
		case time.Via >= 0:
			borrowed = append(borrowed, t.FullName())
		}
	}
	e.add(ingest.LevelOK, "tables", "", "%d tables, %d foreign keys", len(s.Tables), links)
	if links == 0 && len(s.Tables) > 1 {
		e.add(ingest.LevelWarning, "links", "", "no foreign key is declared, so no table knows of another; rowlink schema proposes links, and --accept-links uses them")
	}
	if len(keyless) > 0 {
		e.add(ingest.LevelInfo, "keys", "", "no primary key: %s; their rows cannot be asked for by key", strings.Join(keyless, ", "))
	}
	if len(timeless) > 0 {
		e.add(ingest.LevelInfo, "time", "", "no time of their rows: %s; they count as known at all times unless mapping.yaml names a time", strings.Join(timeless, ", "))
	}
	if len(borrowed) > 0 {
		e.add(ingest.LevelInfo, "time", "", "no time of their own, so that of the row they refer to: %s", strings.Join(borrowed, ", "))
	}
	for _, k := range s.Skipped {
		if !strings.HasPrefix(k.Reason, "permission denied") || strings.Contains(k.Reason, "GRANT SELECT (") {
			e.add(ingest.LevelInfo, "skipped", "", "%s: %s", k.Object, k.Reason)
		}
	}
}

// size looks at how much there is to read.
func (e *examination) size(ctx context.Context) error {
	var files, unknown []uint32
	var rows int64
	for _, r := range e.cat.relations {
		switch {
		case !r.used() || e.cat.denied(r) != "":
			continue
		case r.rows < 0:
			unknown = append(unknown, r.oid)
		default:
			rows += r.rows
		}
		files = append(append(files, r.oid), r.leaves...)
	}
	if len(files) == 0 {
		return nil
	}
	var pretty string
	err := e.source.session.conn.QueryRow(ctx,
		"SELECT pg_size_pretty(COALESCE(sum(pg_table_size(t.oid)), 0)) FROM unnest($1::oid[]) AS t(oid)", files).Scan(&pretty)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		e.add(ingest.LevelInfo, "size", "ANALYZE", "%s on disk, at least %d rows; %d tables were never analysed, so their progress has no end", pretty, rows, len(unknown))
		return nil
	}
	e.add(ingest.LevelOK, "size", "", "%s on disk, about %d rows", pretty, rows)
	return nil
}
