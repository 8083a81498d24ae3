package tql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/schema"
	"github.com/rowlink/rowlink/tasks"
)

// optionSetters is the table of task options (section 3.1). A setter reads the value
// into the task and returns what was wanted when it cannot.
var optionSetters = map[string]func(b *binder, o *tasks.Options, v Value) (want string){
	"val_anchor":    instantOption(func(o *tasks.Options) *int64 { return &o.ValAnchor }),
	"test_anchor":   instantOption(func(o *tasks.Options) *int64 { return &o.TestAnchor }),
	"data_from":     instantOption(func(o *tasks.Options) *int64 { return &o.DataFrom }),
	"data_until":    instantOption(func(o *tasks.Options) *int64 { return &o.DataUntil }),
	"eval_anchors":  countOption(1, func(o *tasks.Options) *int { return &o.EvalAnchors }),
	"train_anchors": countOption(1, func(o *tasks.Options) *int { return &o.TrainAnchors }),
	"step":          stepOption,
	"regime":        wordOption(map[string]func(*tasks.Options){"rolling": func(o *tasks.Options) { o.Regime = tasks.Rolling }, "frozen": func(o *tasks.Options) { o.Regime = tasks.Frozen }}),
	"val_regime":    wordOption(map[string]func(*tasks.Options){"rolling": func(o *tasks.Options) { o.ValRegime = tasks.Rolling }, "frozen": func(o *tasks.Options) { o.ValRegime = tasks.Frozen }}),
	"past":          wordOption(map[string]func(*tasks.Options){"inclusive": func(o *tasks.Options) { o.Rule = ingest.TimeRule{} }, "strict": func(o *tasks.Options) { o.Rule.Strict = true }}),
	"entity_time":   wordOption(map[string]func(*tasks.Options){"respect": func(o *tasks.Options) { o.IgnoreEntityTime = false }, "ignore": func(o *tasks.Options) { o.IgnoreEntityTime = true }}),
	"time_zone":     zoneOption,
	"mask":          maskOption,
	"metric": func(b *binder, o *tasks.Options, v Value) string {
		o.Metric = strings.ToLower(wordOf(v))
		if o.Metric == "" {
			return "the name of a metric"
		}
		return ""
	},
	"seed": func(b *binder, o *tasks.Options, v Value) string {
		n, ok := intOf(v)
		if !ok || n < 0 {
			return "a whole number of at least 0"
		}
		o.Seed = uint64(n)
		return ""
	},
	"exclude_seen": func(b *binder, o *tasks.Options, v Value) string {
		switch strings.ToLower(v.String()) {
		case "true":
			b.ranked().ExcludeSeen = true
		case "false":
		default:
			return "true or false"
		}
		return ""
	},
}

// options reads WITH (...): the time zone first, because it decides how dates are read.
func (b *binder) options(list []*Option) {
	o := &b.task.Options
	*o = defaultOptions()
	o.Zone = mappedZone(b.sc)
	seen := map[string]bool{}
	ordered := slices.Clone(list)
	slices.SortStableFunc(ordered, func(x, y *Option) int { return zoneFirst(x) - zoneFirst(y) })
	for _, opt := range ordered {
		name := strings.ToLower(opt.Name.Text)
		set, known := optionSetters[name]
		if !known {
			names := make([]string, 0, len(optionSetters))
			for n := range optionSetters {
				names = append(names, n)
			}
			slices.Sort(names)
			err := b.fault(opt.Name.Range(), "TK193", "there is no option %q", opt.Name.Text)
			err.Hint = "options: " + strings.Join(names, ", ") + "."
			if near, ok := Nearest(name, names); ok {
				err.Hint = "did you mean " + near + "? " + sentence(err.Hint)
			}
			continue
		}
		if seen[name] {
			b.fault(opt.Range(), "TK194", "option %s is given twice", name).Hint = "keep one"
			continue
		}
		seen[name] = true
		if want := set(b, o, opt.Value); want != "" {
			b.fault(opt.Value.Range(), "TK194", "option %s is %s, want %s", name, opt.Value, want).Hint = name + " takes " + want
		}
	}
	if !seen["val_regime"] {
		o.ValRegime = o.Regime
	}
}

// mappedZone is the zone that the mapping names for local times, if it names only one
// (rule R19).
func mappedZone(sc *schema.Schema) *time.Location {
	zone := time.UTC
	for _, t := range sc.Tables {
		if t.Time == nil || t.Time.Zone == "" {
			continue
		}
		z, err := time.LoadLocation(t.Time.Zone)
		if err != nil || zone != time.UTC && zone.String() != z.String() {
			return time.UTC
		}
		zone = z
	}
	return zone
}

func zoneFirst(o *Option) int {
	if strings.EqualFold(o.Name.Text, "time_zone") {
		return 0
	}
	return 1
}

func instantOption(at func(*tasks.Options) *int64) func(*binder, *tasks.Options, Value) string {
	return func(b *binder, o *tasks.Options, v Value) string {
		if l, ok := v.(*Literal); ok {
			if d, ok := l.Time(); ok {
				*at(o) = d.In(o.Zone)
				return ""
			}
		}
		return "a date like '2020-01-31'"
	}
}

func countOption(least int64, at func(*tasks.Options) *int) func(*binder, *tasks.Options, Value) string {
	return func(b *binder, o *tasks.Options, v Value) string {
		n, ok := intOf(v)
		if !ok || n < least || n > 1_000_000 {
			return fmt.Sprintf("a whole number from %d to 1000000", least)
		}
		*at(o) = int(n)
		return ""
	}
}

func stepOption(b *binder, o *tasks.Options, v Value) string {
	const want = "a positive duration like '30 days'"
	var iv Interval
	switch v := v.(type) {
	case *Duration:
		iv = v.Interval
	case *Literal:
		if v.Kind != LitString && v.Kind != LitInterval {
			return want
		}
		var err error
		if iv, err = ParseInterval(v.Text); err != nil {
			return want
		}
	default:
		return want
	}
	if o.Step = tasks.Span(iv); !o.Step.Positive() {
		return want
	}
	return ""
}

func wordOption(words map[string]func(*tasks.Options)) func(*binder, *tasks.Options, Value) string {
	return func(b *binder, o *tasks.Options, v Value) string {
		set, ok := words[strings.ToLower(wordOf(v))]
		if !ok {
			names := make([]string, 0, len(words))
			for w := range words {
				names = append(names, w)
			}
			slices.Sort(names)
			return strings.Join(names, " or ")
		}
		set(o)
		return ""
	}
}

func zoneOption(b *binder, o *tasks.Options, v Value) string {
	name := wordOf(v)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || strings.EqualFold(name, "local") {
		b.fault(v.Range(), "TK136", "there is no time zone %q", name).Hint = "write a name like 'Europe/Berlin' or 'UTC'"
		return ""
	}
	o.Zone = zone
	return ""
}

// maskOption reads columns as 'table.column', one or a list.
func maskOption(b *binder, o *tasks.Options, v Value) string {
	values := []Value{v}
	if list, ok := v.(*ValueList); ok {
		values = list.Values
	}
	for _, v := range values {
		table, column, ok := strings.Cut(wordOf(v), ".")
		at := v.Range()
		if !ok {
			b.fault(at, "TK194", "option mask names %s, want a column like 'results.points'", v).Hint = "write mask = ('table.column', 'table.column')"
			continue
		}
		t, ok := b.tableNamed([]Name{{Loc: at, Text: table}})
		if !ok {
			continue
		}
		if c, ok := b.columnIn(t, Name{Loc: at, Text: column}); ok {
			o.Mask = append(o.Mask, tasks.ColumnRef{Table: t, Column: c})
		}
	}
	return ""
}

func wordOf(v Value) string {
	switch v := v.(type) {
	case *Word:
		return v.Text
	case *Literal:
		if v.Kind == LitString {
			return v.Text
		}
	}
	return ""
}

func intOf(v Value) (int64, bool) {
	if l, ok := v.(*Literal); ok {
		return l.Int()
	}
	return 0, false
}
