package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
)

const (
	sqlReplicationRight = `SELECT current_setting('wal_level'), pg_is_in_recovery(), rolreplication OR rolsuper, rolname::text FROM pg_catalog.pg_roles WHERE rolname = current_user`
	sqlPublication      = `SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate FROM pg_catalog.pg_publication WHERE pubname = $1`
	// The columns of the view differ between versions; row filters came with 15.
	sqlPublished = `SELECT c.oid, COALESCE(to_jsonb(t)->>'rowfilter', '') FROM pg_catalog.pg_publication_tables t
 JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename WHERE t.pubname = $1`
	sqlIdentity = `SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = ANY($1::oid[]) AND (c.relreplident = 'n' OR c.relreplident = 'd'
 AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary))`
)

// published refuses to follow a publication that does not tell every change of the tables
// that are read. Making one is for their owner: the hint holds the SQL.
func (s *Source) published(ctx context.Context, publication string) error {
	if err := s.begin(ctx); err != nil {
		return sourceError("look for publication "+publication, err, s.config)
	}
	defer s.session.rollback()
	cat, err := s.readCatalog(ctx)
	if err != nil {
		return err
	}
	sch, err := cat.schema()
	if err != nil {
		return err
	}
	plans, err := cat.plans(sch)
	if err != nil {
		return err
	}
	if err := s.mayReplicate(ctx); err != nil {
		return err
	}
	for _, p := range plans {
		if p.rel.included {
			return &ingest.UserError{Msg: fmt.Sprintf("%s is no table, and only changes of tables are streamed", p.rel.full()), Hint: "leave it out, or use rowlink ingest --refresh"}
		}
	}
	var whole bool
	err = s.session.conn.QueryRow(ctx, sqlPublication, publication).Scan(&whole)
	if err == pgx.ErrNoRows {
		return s.publicationError(ctx, fmt.Sprintf("the database has no publication %q", publication), "CREATE PUBLICATION "+quote(publication)+" FOR TABLE ", plans)
	}
	if err != nil {
		return sourceError("look for publication "+publication, err, s.config)
	}
	if !whole {
		return &ingest.UserError{Msg: fmt.Sprintf("publication %q leaves out some kinds of changes", publication),
			Hint: fmt.Sprintf("its owner may run: ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate')", quote(publication))}
	}
	told := map[uint32]bool{}
	var oid uint32
	var filter string
	err = each(ctx, s.session.conn, sqlPublished, []any{publication}, []any{&oid, &filter}, func() { told[oid] = filter == "" })
	if err != nil {
		return sourceError("look for publication "+publication, err, s.config)
	}
	missing := slices.DeleteFunc(slices.Clone(plans), func(p *plan) bool {
		return told[p.rel.oid] || len(p.files()) > 0 && !slices.ContainsFunc(p.files(), func(oid uint32) bool { return !told[oid] })
	})
	if len(missing) > 0 {
		var names []string
		for _, p := range missing {
			names = append(names, p.rel.full())
		}
		return s.publicationError(ctx, fmt.Sprintf("publication %q leaves out %s, or rows of them", publication, list(names)), "ALTER PUBLICATION "+quote(publication)+" ADD TABLE ", missing)
	}
	return nil
}

// mayReplicate refuses servers and roles that cannot stream.
func (s *Source) mayReplicate(ctx context.Context) error {
	var level, role string
	var standby, right bool
	if err := s.session.conn.QueryRow(ctx, sqlReplicationRight).Scan(&level, &standby, &right, &role); err != nil {
		return sourceError("look for the right to replicate", err, s.config)
	}
	switch {
	case level != "logical":
		return &ingest.UserError{Msg: fmt.Sprintf("the server's wal_level is %s, want logical", level),
			Hint: "a superuser may run: ALTER SYSTEM SET wal_level = logical; and restart the server. Without it use rowlink ingest --refresh"}
	case standby && s.session.major < 16:
		return &ingest.UserError{Msg: "a standby of this version cannot be followed", Hint: "follow the primary, or use rowlink ingest --refresh"}
	case s.session.pooled:
		return &ingest.UserError{Msg: "a connection pooler stands before the server, and the log cannot be streamed through it", Hint: "name the server itself"}
	case !right:
		return &ingest.UserError{Msg: fmt.Sprintf("role %q may not replicate", role), Hint: fmt.Sprintf("a superuser may run: ALTER ROLE %s REPLICATION", quote(role))}
	}
	return nil
}

// publicationError says what is missing, with the SQL that repairs it. Updates and deletes of
// a published table without replica identity fail, so such tables get one first.
func (s *Source) publicationError(ctx context.Context, what, sql string, plans []*plan) error {
	var names, first []string
	for _, p := range plans {
		names = append(names, quote(p.rel.namespace, p.rel.name))
		var oid uint32
		err := each(ctx, s.session.conn, sqlIdentity, []any{append(p.files(), p.rel.oid)}, []any{&oid}, func() {})
		if err != nil {
			return sourceError("look at replica identities", err, s.config)
		}
		if oid != 0 {
			first = append(first, fmt.Sprintf("ALTER TABLE %s REPLICA IDENTITY FULL; ", quote(p.rel.namespace, p.rel.name)))
		}
	}
	return &ingest.UserError{Msg: what, Hint: "the owner of the tables may run: " + strings.Join(first, "") + sql + strings.Join(names, ", ")}
}
