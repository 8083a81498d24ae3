package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"io"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks/tql"
)

// instant prints microseconds UTC, a midnight as its date.
func instant(micros int64) string {
	if micros == ingest.Always || micros == ingest.Never {
		return "none"
	}
	t := time.UnixMicro(micros).UTC()
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04:05")
}

// parseInstant reads --at: a date or a timestamp, without a zone in loc.
func parseInstant(text string, loc *time.Location) (int64, error) {
	d, err := tql.ParseDateTime(text)
	if err != nil {
		return 0, usageError{fmt.Errorf("--at: %w", err)}
	}
	return d.In(loc), nil
}

// table prints rows with aligned columns; cells are separated by tabs.
func table(w io.Writer, rows ...string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(tw, r)
	}
	return tw.Flush()
}

// indent puts two blanks before every line.
func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n  ")
}
