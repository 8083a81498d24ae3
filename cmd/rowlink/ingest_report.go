package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rowlink/rowlink"
	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
)

// ingestReport says what a snapshot holds, and what of the database it does not.
type ingestReport struct {
	Snapshot string               `json:"snapshot"`
	Source   string               `json:"source"`
	Taken    string               `json:"taken"`
	Tables   []tableReport        `json:"tables"`
	Skipped  []schema.SkippedView `json:"skipped"`
	Unread   []unreadColumn       `json:"unread_columns"`
	Findings []ingest.Finding     `json:"findings"`
	Refresh  []ingest.Way         `json:"refresh,omitempty"` // how each table was brought up to date
}

type tableReport struct {
	Table     string       `json:"table"`
	Rows      int          `json:"rows"`
	NoTime    int          `json:"rows_without_time"`
	Ahead     int          `json:"rows_after_snapshot"` // not seen before their time
	Epoch     int          `json:"rows_at_1970"`        // 1970-01-01 00:00 often stands for no time
	Dangling  int          `json:"dangling_references"`
	Links     []linkReport `json:"links,omitempty"`
	FirstTime string       `json:"first,omitempty"`
	LastTime  string       `json:"last,omitempty"`
}

// linkReport is a foreign key with references to rows that are not there.
type linkReport struct {
	Columns  []string `json:"columns"`
	To       string   `json:"to"`
	Dangling int      `json:"dangling"`
}

type unreadColumn struct {
	Column string `json:"column"`
	Reason string `json:"reason"`
}

func newIngestReport(d *rowlink.Database) *ingestReport {
	sc := d.Snap.Schema
	r := &ingestReport{Snapshot: d.Snap.ID, Source: d.Source, Taken: instant(d.Snap.Taken), Skipped: []schema.SkippedView{},
		Unread: []unreadColumn{}, Findings: append([]ingest.Finding{}, d.Snap.Findings...), Refresh: d.Ways}
	for _, k := range sc.Skipped {
		r.Skipped = append(r.Skipped, schema.SkippedView(k))
	}
	for _, t := range d.Snap.Tables {
		info := tableReport{Table: t.Def.FullName(), Rows: t.Rows, NoTime: t.NoTime}
		for l, n := range t.Dangling {
			info.Dangling += n
			if n > 0 {
				link := t.Def.Links[l]
				info.Links = append(info.Links, linkReport{t.Def.Names(link.Columns), sc.Tables[link.To].FullName(), n})
			}
		}
		for _, at := range t.Times {
			switch {
			case at == ingest.Never || at == ingest.Always:
			case at > d.Snap.Taken:
				info.Ahead++
			case at == 0:
				info.Epoch++
			}
		}
		if first, last, ok := span(t); ok {
			info.FirstTime, info.LastTime = instant(first), instant(last)
		}
		r.Tables = append(r.Tables, info)
		for _, c := range t.Def.Columns {
			if c.Kind == schema.Opaque {
				r.Unread = append(r.Unread, unreadColumn{t.Def.FullName() + "." + c.Name, c.Reason})
			}
		}
	}
	return r
}

func (r *ingestReport) text(w io.Writer) error {
	fmt.Fprintf(w, "snapshot %s of %s, taken %s\n\n", r.Snapshot, r.Source, r.Taken)
	rows := []string{"table\trows\tfirst\tlast\tno time\tdangling"}
	for _, i := range r.Tables {
		rows = append(rows, fmt.Sprintf("%s\t%d\t%s\t%s\t%d\t%d", i.Table, i.Rows, i.FirstTime, i.LastTime, i.NoTime, i.Dangling))
	}
	if err := table(w, rows...); err != nil {
		return err
	}
	if len(r.Refresh) > 0 {
		fmt.Fprintln(w)
		rows := []string{"refresh\tcopied\ttable\twhy"}
		for _, y := range r.Refresh {
			rows = append(rows, fmt.Sprintf("%s\t%d\t%s\t%s", y.Way, y.Copied, y.Table, y.Why))
		}
		if err := table(w, rows...); err != nil {
			return err
		}
	}
	if len(r.Skipped)+len(r.Unread) > 0 {
		fmt.Fprintln(w, "\nnot read:")
		for _, k := range r.Skipped {
			fmt.Fprintf(w, "  %s: %s\n", k.Object, k.Reason)
		}
		for _, c := range r.Unread {
			fmt.Fprintf(w, "  %s: %s\n", c.Column, c.Reason)
		}
	}
	if len(r.Findings) > 0 || slices.ContainsFunc(r.Tables, func(t tableReport) bool { return t.Ahead+t.Epoch+len(t.Links) > 0 }) {
		fmt.Fprintln(w)
	}
	for _, t := range r.Tables {
		if t.Ahead > 0 {
			fmt.Fprintf(w, "info: time: %s: %d rows have a time after the snapshot and are not seen before it\n", t.Table, t.Ahead)
		}
		if t.Epoch > 0 {
			fmt.Fprintf(w, "warning: time: %s: %d rows stand at 1970-01-01 00:00, which may stand for no time: then they are seen too early\n", t.Table, t.Epoch)
		}
		for _, l := range t.Links {
			fmt.Fprintf(w, "warning: links: %s.%s: %d rows refer to rows of %s that are not there\n", t.Table, strings.Join(l.Columns, ", "), l.Dangling, l.To)
		}
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "%s: %s: %s\n", f.Level, f.Check, f.Detail)
	}
	return nil
}
