package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rowlink/rowlink/ingest"
)

// errSnapshotLost says that the rows no longer all come from one state: the
// exporting transaction has died or a table was rewritten while it was read. The
// whole read may be tried again from zero.
var errSnapshotLost = errors.New("snapshot lost")

// sourceError wraps err with the act, reduced to its innermost meaningful cause:
// the driver's outer errors hold the connection settings.
func sourceError(op string, err error, config *pgx.ConnConfig) error {
	var user *ingest.UserError
	var source *ingest.SourceError
	if errors.As(err, &user) || errors.As(err, &source) {
		return err
	}
	return &ingest.SourceError{Op: op, Err: innermost(err, config)}
}

func innermost(err error, config *pgx.ConnConfig) error {
	var pg *pgconn.PgError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.Is(err, errSnapshotLost):
		return err
	case errors.As(err, &pg):
		return &serverError{pg}
	case errors.As(err, &dns):
		return fmt.Errorf("host %q not found", dns.Name)
	case uncertain(err) != "":
		return errors.New(uncertain(err))
	case errors.As(err, &op):
		err = op.Err
	}
	var outer *pgconn.ConnectError
	for errors.As(err, &outer) && outer.Unwrap() != nil {
		err = outer.Unwrap()
	}
	text := err.Error()
	if config != nil && config.Password != "" && strings.Contains(text, config.Password) {
		text = "the connection failed (the driver's message holds the password and is not shown)"
	}
	return errors.New(text)
}

// uncertain says what is wrong with the server's certificate and what to do, or "".
func uncertain(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "the server's certificate is signed by an authority that is not known here; name the authority's file with sslrootcert=FILE in the database URL"
	case errors.As(err, &host):
		return fmt.Sprintf("the server's certificate is for another host (%v); use the name that it bears, or sslmode=verify-ca where that is known to be right", host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the server's certificate has expired or is not valid yet: %s", invalid.Detail)
	case errors.As(err, &invalid):
		return invalid.Error()
	case strings.Contains(err.Error(), "server refused TLS connection"): // the driver has no type for it
		return "the server offers no TLS, so nothing was sent to it; switch ssl on there, or add sslmode=disable to the database URL to read without encryption"
	}
	return ""
}

// serverError is an answer of the server, with what to do about it where that is known.
type serverError struct{ *pgconn.PgError }

func (e *serverError) Error() string {
	s := fmt.Sprintf("%s (SQLSTATE %s)", e.Message, e.Code)
	if a := advice[e.Code]; a != "" {
		s += ": " + a
	}
	return s
}

func (e *serverError) Unwrap() error { return e.PgError }

// advice says per SQLSTATE what the user can do.
var advice = map[string]string{
	"28P01": "check user name and password of the database URL",
	"28000": "check the role, pg_hba.conf and the sslmode of the database URL",
	"3D000": "check the database name at the end of the database URL",
	"53300": "the server has no free connection; raise the role's CONNECTION LIMIT or try again later",
	"57P03": "the server is starting or stopping; try again",
	"55P03": "another session holds a lock on the table; try again when its DDL is done",
	"57014": "a statement time-out ended it; the server is busy or the table very large: try again at a quieter time",
	"40001": "a standby cancelled the read; set hot_standby_feedback = on there or read from the primary",
	"22021": "the database holds bytes that are not valid in its encoding",
}

// state is the SQLSTATE of err, or "".
func state(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// retryable reports whether one table's read may be tried again in the same snapshot.
func retryable(err error) bool {
	switch state(err) {
	case "55P03", "57014", "40001", "57P01", "57P02", "57P03", "53300", "08006", "08003", "08000", "25P03":
		return true
	case "":
		var network net.Error
		return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
			errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, errStreamEnded)
	}
	return false
}
