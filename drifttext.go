package rowlink

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Text prints the comparison for people.
func (d *Drift) Text(w io.Writer) error {
	fmt.Fprintf(w, "task %s, version %d: the %.0f days before %s beside those before %s, when training ended\n\n", d.Task, d.Version, d.Days, moment(d.Anchor), moment(d.Since))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "what\tPSI\tKS\trows then\trows now\tverdict")
	line := func(m Moved) {
		ks := "-"
		if m.KS != nil {
			ks = fmt.Sprintf("%.3f", *m.KS)
		}
		fmt.Fprintf(tw, "%s\t%.3f\t%s\t%d\t%d\t%s\n", m.Name, m.PSI, ks, m.Before, m.Now, m.Verdict)
	}
	if d.Scores != nil {
		line(*d.Scores)
	}
	for _, m := range slices.Concat(d.Parts, d.Columns) {
		line(m)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	tw = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "table\trows a day then\tnow")
	for _, r := range d.Rows {
		fmt.Fprintf(tw, "%s\t%.1f\t%.1f\n", r.Table, r.Before, r.Now)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, s := range d.Skipped {
		fmt.Fprintf(w, "not compared: %s\n", s)
	}
	if d.Later != nil {
		return d.Later.text(w)
	}
	return nil
}

// moment prints an instant for people.
func moment(us int64) string { return time.UnixMicro(us).UTC().Format("2006-01-02 15:04") }
