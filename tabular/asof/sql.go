package asof

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/schema"
)

// SQL returns a SELECT for PostgreSQL that computes features where the data lies, and which
// ones: positions in Names, of the columns f0, f1, ... behind the columns of examples. These
// are a SELECT of k1, k2, ... (the entity's key) and cut (timestamptz). Values agree with
// [Wide.Features] to 1e-9; NULL stands for NaN.
//
// Lowered are, of the rows one and two foreign keys below the entity: counts and sums in
// windows, decayed means and log decayed counts, smallest and largest, days since the last and
// the first row and between rows. Left out are ranks, lags, spread, shares of categories, numbers of parents,
// what linked rows gathered, and tables whose rows end, have no time, have one from elsewhere or one of another
// type than timestamp with time zone, and those from number tables on, which are not in the database.
func (w *Wide) SQL(examples string, tables int) (sql string, features []int, err error) {
	s := &lowering{Wide: w, tables: tables}
	var with, joins, columns []string
	entity := w.g.Snap.Tables[w.opt.Entity].Def
	keys := s.keys(len(entity.Key))
	at := w.groups[0].offset
	for i, a := range w.groups[0].parts {
		if cte, exprs := s.aggregate(a, i, keys); cte != "" {
			with = append(with, cte)
			joins = append(joins, fmt.Sprintf("LEFT JOIN a%d USING (%s, cut)", i, strings.Join(keys, ", ")))
			for j, e := range exprs {
				if e != "" {
					columns = append(columns, fmt.Sprintf("%s AS f%d", e, len(features)))
					features = append(features, at+j)
				}
			}
		}
		at += len(a.names)
	}
	if len(features) == 0 {
		return "", nil, errors.New("lower features to SQL: no table below the entity has a column of type timestamp with time zone for its time, and rows that do not end")
	}
	return "WITH e AS (\n" + examples + "\n),\n" + strings.Join(with, ",\n") + "\nSELECT " + strings.Join(keys, ", ") + ", cut,\n  " +
		strings.Join(columns, ",\n  ") + "\nFROM e\n" + strings.Join(joins, "\n"), features, nil
}

// lowering writes one SELECT.
type lowering struct {
	*Wide
	tables int
}

func (s *lowering) keys(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("k%d", i+1))
	}
	return out
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func named(t *schema.Table) string {
	if t.Namespace == "" {
		return quoted(t.Name)
	}
	return quoted(t.Namespace) + "." + quoted(t.Name)
}

// aggregate writes the CTE a<i> of a path, and an expression over it for each feature, empty for those that
// are left out. Without a CTE none is lowered.
func (s *lowering) aggregate(a *aggregate, i int, keys []string) (cte string, exprs []string) {
	from, time, ok := s.path(a.path, keys)
	if !ok {
		return "", nil
	}
	def := a.values.table.Def
	inner := []string{"e." + strings.Join(keys, ", e."), "e.cut", time + " AS t",
		"max(" + time + ") OVER (PARTITION BY e." + strings.Join(keys, ", e.") + ", e.cut) AS last"}
	for j, c := range a.values.cols {
		value := "r." + quoted(def.Columns[c].Name)
		if def.Columns[c].Kind == schema.Bool {
			value += "::int"
		}
		inner = append(inner, fmt.Sprintf("%s::float8 AS v%d", value, j))
	}
	var outer []string
	exprs = a.lowered(func(aggregate string) string {
		at := slices.Index(outer, aggregate)
		if at < 0 {
			at = len(outer)
			outer = append(outer, aggregate)
		}
		return fmt.Sprintf("a%d.x%d", i, at)
	}, s.opt.Rule.Strict)
	for j := range outer {
		outer[j] += fmt.Sprintf(" AS x%d", j)
	}
	list := strings.Join(keys, ", ") + ", cut"
	return fmt.Sprintf("a%d AS (\n  SELECT %s,\n    %s\n  FROM (SELECT %s\n    %s) r\n  GROUP BY %s)", i, list, strings.Join(outer, ",\n    "), strings.Join(inner, ", "), from, list), exprs
}

// path joins the tables from the entity's key down, and says when a row of the last, r, is seen.
func (s *lowering) path(p *path, keys []string) (from, time string, ok bool) {
	if p.ends || p.when == nil {
		return "", "", false
	}
	end := "<="
	if s.opt.Rule.Strict {
		end = "<"
	}
	var times, where []string
	from = "FROM e"
	above := ""
	for i, e := range p.edges {
		edge := s.g.Edges[e]
		if edge.Src >= s.tables {
			return "", "", false
		}
		def, name := s.g.Snap.Tables[edge.Src].Def, fmt.Sprintf("c%d", i)
		if i == len(p.edges)-1 {
			name = "r"
		}
		link := def.Links[edge.Link]
		parent := s.g.Snap.Tables[edge.Dst].Def
		if i == 0 && !slices.Equal(link.Ref, parent.Key) {
			return "", "", false
		}
		var on []string
		for k, c := range link.Columns {
			up := "e." + keys[min(k, len(keys)-1)]
			if i > 0 {
				up = above + "." + quoted(parent.Columns[link.Ref[k]].Name)
			}
			on = append(on, name+"."+quoted(def.Columns[c].Name)+" = "+up)
		}
		from += "\n    JOIN " + named(def) + " " + name + " ON " + strings.Join(on, " AND ")
		above = name
		if t := def.Time; t != nil {
			if t.Via >= 0 || t.Until >= 0 || t.DayEnd || def.Columns[t.Column].DBType != "timestamp with time zone" {
				return "", "", false
			}
			at := name + "." + quoted(def.Columns[t.Column].Name)
			times, where = append(times, at), append(where, at+" "+end+" e.cut")
		}
	}
	time = times[0]
	if len(times) > 1 {
		time = "greatest(" + strings.Join(times, ", ") + ")"
	}
	return from + "\n    WHERE " + strings.Join(where, " AND "), time, true
}

// sqlDays is a span in days.
func sqlDays(later, earlier string) string {
	return fmt.Sprintf("extract(epoch FROM (%s - %s))::float8 / 86400", later, earlier)
}

// decay is 2 to the power of minus days/half-life, 0 where float8 has none.
func decay(days string, halfLife float64) string {
	return fmt.Sprintf("CASE WHEN %s < %g THEN power(2::float8, -(%s) / %g) ELSE 0 END", days, 1000*halfLife, days, halfLife)
}

// lowered are the expressions in the order of the features; of registers an aggregate over t,
// last, v0, v1, ... and returns its name.
func (a *aggregate) lowered(of func(string) string, strict bool) (out []string) {
	skip := func(n int) { out = append(out, make([]string, n)...) }
	numbers, own, cols := len(a.values.names), a.values.own(), len(a.values.cols)
	last, first := of("max(last)"), of("min(t)")
	for _, h := range a.halfLives {
		weight := decay(sqlDays("last", "t"), h)
		for j := range cols {
			sum := of(fmt.Sprintf("sum(v%d * %s)", j, weight))
			total := of(fmt.Sprintf("sum(%s) FILTER (WHERE v%d IS NOT NULL)", weight, j))
			out = append(out, fmt.Sprintf("CASE WHEN %s >= 1e-30 THEN %s / %s END", total, sum, total))
		}
		skip(numbers - cols)
		out = append(out, fmt.Sprintf("ln(coalesce(%s * %s, 0) + 0.05::float8)", of("sum("+weight+")"), decay(sqlDays("e.cut", last), h)))
	}
	for _, w := range a.windows {
		begin := ">"
		if strict {
			begin = ">="
		}
		in := fmt.Sprintf("FILTER (WHERE t %s cut - interval '%d microseconds')", begin, int64(w*dayMicros))
		out = append(out, "coalesce("+of("count(*) "+in)+", 0)::float8")
		for j := range cols {
			out = append(out, "coalesce("+of(fmt.Sprintf("sum(v%d) %s", j, in))+", 0)")
		}
	}
	skip(a.lags * own)
	if a.moments {
		for _, f := range []string{"min", "max"} {
			for j := range cols {
				out = append(out, of(fmt.Sprintf("%s(v%d)", f, j)))
			}
			skip(own - cols)
		}
		skip(2 * own)
	}
	skip(len(a.values.chosen.Names))
	out = append(out, sqlDays("e.cut", last), sqlDays("e.cut", first), fmt.Sprintf("%s / nullif(%s - 1, 0)", sqlDays(last, first), of("count(*)")))
	if a.moments {
		skip(len(a.others))
	}
	return out
}
