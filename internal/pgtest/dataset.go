package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Load runs the scripts of a data set's folder in an existing database: schema.sql,
// load.sql, then the others by name.
func (s *Server) Load(ctx context.Context, database, folder string) error {
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return fmt.Errorf("load %s: %w", filepath.Base(folder), err)
	}
	defer conn.Close(ctx)
	others, _ := filepath.Glob(filepath.Join(folder, "*.sql")) // the pattern is well-formed
	slices.Sort(others)
	scripts := []string{filepath.Join(folder, "schema.sql"), filepath.Join(folder, "load.sql")}
	for _, o := range others {
		if !slices.Contains(scripts, o) {
			scripts = append(scripts, o)
		}
	}
	for _, script := range scripts {
		f, err := os.Open(script)
		if err != nil {
			return fmt.Errorf("load %s: %w", filepath.Base(folder), err)
		}
		err = RunScript(ctx, conn, folder, f)
		f.Close()
		if err != nil {
			return fmt.Errorf("load %s: run %s: %w", filepath.Base(folder), filepath.Base(script), err)
		}
	}
	return nil
}

// templateLock is the advisory lock under which processes that share a server load
// data sets; the number has no meaning.
const templateLock = 7_301_877

// template returns the name of the database that holds a data set, loading it if
// no process has done so yet. It is loaded under another name and renamed when
// complete, so that a killed process leaves no half data set.
func (s *Server) template(ctx context.Context, name, folder string) (string, error) {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return "", fmt.Errorf("load %s: %w", name, err)
	}
	defer conn.Close(ctx) // releases the lock
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return "", fmt.Errorf("load %s: %w", name, err)
	}
	final, loading := "data_"+name, "loading_"+name
	var have bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", final).Scan(&have)
	if err != nil || have {
		return final, err
	}
	if err := s.Drop(ctx, loading); err != nil {
		return "", err
	}
	if err := s.Create(ctx, loading, "template1"); err != nil {
		return "", err
	}
	if err := s.Load(ctx, loading, folder); err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+quote(loading)+" RENAME TO "+quote(final))
	return final, err
}
