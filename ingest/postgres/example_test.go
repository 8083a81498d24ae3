package postgres_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/rowlink/rowlink/ingest"
	_ "github.com/rowlink/rowlink/ingest/postgres" // registers postgres://
)

// A program that links this package in can open postgres:// URLs. Errors never
// repeat the URL.
func Example() {
	_, err := ingest.Open(context.Background(), "postgres://me:pass%word@localhost/shop", ingest.OpenOptions{})
	var user *ingest.UserError
	if errors.As(err, &user) {
		fmt.Println(user.Msg)
	}
	// Output:
	// database URL cannot be read
}
