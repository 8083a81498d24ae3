package postgres

import "github.com/jackc/pgx/v5"

// ConfigOf reads a database URL for those who connect themselves, under the same rules: no
// URL in an error, and verify-full for every other machine unless the URL says otherwise.
func ConfigOf(url string) (*pgx.ConnConfig, error) { return parseURL(url) }
