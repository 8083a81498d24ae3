package tasks

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text prints the label report in the layout of section 5 of the task language. The
// error is that of w.
func (r *LabelReport) Text(w io.Writer, task *Task) error {
	p := &printer{w: w}
	p.line("task %s: %s, entity %s (%s rows), %s, regime %s", task.Name, task.Type, r.Entities, Grouped(r.EntityRows), task.windowText(), task.Options.regimeText())
	switch o := &task.Options; {
	case task.Static() && o.ValAnchor == o.TestAnchor: // see resolveStatic
		p.line("splits     80 / 10 / 10 %% at random by key")
	case task.Static():
		p.line("splits     train up to %s   val up to %s   test after", formatTime(o.ValAnchor), formatTime(o.TestAnchor))
	default:
		p.line("anchors    %s", strings.Join(r.anchorTexts(task), "  "))
	}
	p.line("with rows  train %s   val %s   test %s", Grouped(r.WithRows[Train]), Grouped(r.WithRows[Val]), Grouped(r.WithRows[Test]))
	p.line("examples   train %s   val %s   test %s%s", Grouped(r.Examples[Train]), Grouped(r.Examples[Val]), Grouped(r.Examples[Test]), r.meanText(task))
	p.line("dropped    %s; %s NULL labels; %s rows without time; %s anchors incomplete", r.droppedText(), Grouped(r.NullLabel), Grouped(r.NoTime), Grouped(r.Incomplete))
	for _, warning := range append(append([]string(nil), task.Warnings...), r.Warnings...) {
		p.line("WARNING    %s", warning)
	}
	return p.err
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// windowText names the label window: "window (anchor, anchor + 30 days]".
func (t *Task) windowText() string {
	if t.Static() {
		return "each row at its own time"
	}
	if t.Raw != nil {
		return "window (anchor, anchor + " + t.Horizon.String() + "] by SQL"
	}
	start, found := Span{}, false
	for _, e := range []Expr{t.Target, t.Assuming} {
		eachAggregate(e, func(a *Aggregate) {
			if !a.Window.Future() || a.Window.OpenStart {
				return
			}
			if order, _ := a.Window.Start.Compare(start); !found || order < 0 {
				start, found = a.Window.Start, true
			}
		})
	}
	from := "anchor"
	if !start.IsZero() {
		from += " + " + start.String()
	}
	return fmt.Sprintf("window (%s, anchor + %s]", from, t.Horizon)
}

func (o *Options) regimeText() string {
	if o.Regime != o.ValRegime {
		return fmt.Sprintf("%s (validation %s)", o.Regime, o.ValRegime)
	}
	return o.Regime.String()
}

func (r *LabelReport) anchorTexts(task *Task) []string {
	var out []string
	for s := Train; s <= Test; s++ {
		text := fmt.Sprintf("%s %s", s, Grouped(r.Anchors[s]))
		if r.Anchors[s] > 0 {
			text += " (" + dateText(r.First[s], task)
			if r.Last[s] != r.First[s] {
				text += " .. " + dateText(r.Last[s], task)
			}
			if s == Train && r.Anchors[s] > 1 {
				text += ", every " + task.Options.Step.String()
			}
			text += ")"
		}
		out = append(out, text)
	}
	return out
}

// dateText prints an anchor in the task zone, without the clock at midnight.
func dateText(at int64, task *Task) string {
	zone := task.Options.Zone
	if zone == nil {
		zone = time.UTC
	}
	t := time.UnixMicro(at).In(zone)
	if Midnight(at, zone) == at {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04:05")
}

func (r *LabelReport) meanText(task *Task) string {
	switch task.Type {
	case Binary:
		return fmt.Sprintf("        positive %s / %s / %s", percent(r.Mean[Train]), percent(r.Mean[Val]), percent(r.Mean[Test]))
	case LinkPrediction:
		return fmt.Sprintf("        items %.3g / %.3g / %.3g on average", r.Mean[Train], r.Mean[Val], r.Mean[Test])
	case Regression, Forecasting:
		return fmt.Sprintf("        mean %s / %s / %s", decimal(r.Mean[Train], 5), decimal(r.Mean[Val], 5), decimal(r.Mean[Test], 5))
	}
	return ""
}

// droppedText names the reasons by which pairs gave no example; a single one without
// its count, which is the total.
func (r *LabelReport) droppedText() string {
	type reason struct {
		n    int
		text string
	}
	var met []reason
	total := 0
	for _, x := range []reason{
		{r.NotVisible, "entity not visible"},
		{r.FrozenOut, "entity not visible at the frozen cut"},
		{r.WhereFalse, "WHERE not true"},
		{r.Unassumed, "ASSUMING not true"},
		{r.Skipped, "empty (ON EMPTY SKIP)"},
		{r.NullLabel, "label NULL"},
		{r.NoLabel, "no label by the SQL"},
		{r.UnseenClass, "class unseen in training"},
	} {
		if x.n > 0 {
			met = append(met, x)
			total += x.n
		}
	}
	text := fmt.Sprintf("%s of %s pairs", Grouped(total), Grouped(r.Pairs))
	switch len(met) {
	case 0:
		return text
	case 1:
		return text + ": " + met[0].text
	}
	var parts []string
	for _, x := range met {
		parts = append(parts, Grouped(x.n)+" "+x.text)
	}
	return text + ": " + strings.Join(parts, ", ")
}

// Grouped prints 1234567 as "1 234 567".
func Grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}

// decimal prints a number with some significant digits, whole where it is large, and in
// scientific notation only where it is tiny.
func decimal(v float64, digits int) string {
	if a := math.Abs(v); a >= math.Pow10(digits) && a < 1e15 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', digits, 64)
}
