package postgres

import (
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rowlink/rowlink/ingest"
)

// urlForm is the hint of every error about a URL.
const urlForm = "write postgres://USER:PASSWORD@HOST:5432/DATABASE; in user name and password write % as %25, @ as %40, : as %3A, / as %2F, # as %23 and \\ as %5C"

// parseURL reads a connection URL. No error of it repeats any part of the URL: the
// driver's own text may hold the tail of a malformed password.
//
// Where neither the URL nor PGSSLMODE says anything about TLS, every host outside
// this machine gets sslmode=verify-full instead of the driver's unchecked "prefer".
func parseURL(raw string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, &ingest.UserError{Msg: "database URL cannot be read", Hint: urlForm}
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, &ingest.UserError{Msg: "database URL has another scheme than postgres", Hint: urlForm}
	}
	if u.Fragment != "" {
		return nil, &ingest.UserError{Msg: "database URL contains a bare #", Hint: urlForm}
	}
	config, err := pgx.ParseConfig(raw)
	if err != nil {
		return nil, &ingest.UserError{Msg: "database URL cannot be read: " + badPart(u), Hint: urlForm}
	}
	q := u.Query()
	if remote(config) && !q.Has("sslmode") && !q.Has("ssl") && os.Getenv("PGSSLMODE") == "" {
		q.Set("sslmode", "verify-full")
		u.RawQuery = q.Encode()
		if config, err = pgx.ParseConfig(u.String()); err != nil {
			return nil, &ingest.UserError{Msg: "database URL cannot be read: " + badPart(u), Hint: urlForm}
		}
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // no statement cache: works behind a pooler
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "rowlink"
	}
	return config, nil
}

// badPart guesses which part of a URL the driver did not like, naming only parts
// that cannot hold a secret.
func badPart(u *url.URL) string {
	switch mode := u.Query().Get("sslmode"); mode {
	case "", "disable", "allow", "prefer", "require", "verify-ca", "verify-full":
	default:
		return "sslmode is none of disable, allow, prefer, require, verify-ca, verify-full"
	}
	for _, k := range []string{"sslrootcert", "sslcert", "sslkey", "passfile", "service", "servicefile"} {
		if u.Query().Has(k) {
			return "check the file or service that " + k + " names, and the other parameters"
		}
	}
	return "check host, port and the parameters after ?"
}

// remote reports whether any host of the URL lies outside this machine.
func remote(config *pgx.ConnConfig) bool {
	hosts := []string{config.Host}
	for _, f := range config.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, h := range hosts {
		if !loopback(h) {
			return true
		}
	}
	return false
}

// loopback reports whether host is this machine: a socket folder, localhost, or a
// loopback address.
func loopback(host string) bool {
	if host == "" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
