package tql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/tasks"
)

// bound names the instant anchor + s: a column of the grid.
func (l *lowering) bound(s tasks.Span) string {
	if s.IsZero() {
		return "g.a"
	}
	at := slices.Index(l.bounds, s)
	if at < 0 {
		at = len(l.bounds)
		l.bounds = append(l.bounds, s)
	}
	return fmt.Sprintf("g.w%d", at+1)
}

// grid writes the CTE of anchors with every bound of a window.
func (l *lowering) grid(b *strings.Builder, g *tasks.Grid) {
	b.WriteString("grid AS MATERIALIZED (\n  SELECT split, a, row_number() OVER (ORDER BY a) AS n")
	for i, s := range l.bounds {
		fmt.Fprintf(b, ",\n    %s AS w%d", l.shifted("a", s), i+1)
	}
	if g == nil {
		b.WriteString("\n  FROM unnest($1::text[], $2::timestamptz[]) AS g(split, a))")
		return
	}
	b.WriteString("\n  FROM (")
	var parts []string
	for s, anchors := range g.Anchors {
		if len(anchors) == 0 {
			continue
		}
		texts := make([]string, len(anchors))
		for i, a := range anchors {
			texts[i] = "'" + utc(a) + "'"
		}
		parts = append(parts, fmt.Sprintf("\n    SELECT '%s' AS split, unnest(ARRAY[%s]::timestamptz[]) AS a", tasks.Split(s), strings.Join(texts, ", ")))
	}
	if parts == nil {
		parts = append(parts, "\n    SELECT '' AS split, now() AS a WHERE false")
	}
	b.WriteString(strings.Join(parts, "\n    UNION ALL") + ") g)")
}

// shifted is at + s in the calendar of the task zone (rule R4): months first, then days
// by the wall clock, then exact time. The zone is written out, since an interval added to
// a timestamptz would follow the session's.
func (l *lowering) shifted(at string, s tasks.Span) string {
	for _, part := range []tasks.Span{{Months: s.Months}, {Days: s.Days}} {
		if !part.IsZero() {
			at = fmt.Sprintf("((%s AT TIME ZONE %s) + interval '%s') AT TIME ZONE %s", at, l.zoneText(), part, l.zoneText())
		}
	}
	if s.Micros != 0 {
		if at != "a" {
			at = "(" + at + ")"
		}
		at = fmt.Sprintf("%s + interval '%d microseconds'", at, s.Micros)
	}
	return at
}

func (l *lowering) zoneText() string { return text(l.zone.String()) }

// utc prints an instant as PostgreSQL reads it whatever the session's zone.
func utc(at int64) string {
	return time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05.999999") + "+00"
}

func timestamp(at int64) string { return "timestamptz '" + utc(at) + "'" }

// text is a string constant that reads the same whatever standard_conforming_strings is.
func text(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}
