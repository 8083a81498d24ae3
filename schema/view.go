package schema

// View is a schema with names in place of numbers, for JSON.
type View struct {
	Tables  []TableView   `json:"tables"`
	Skipped []SkippedView `json:"skipped,omitempty"`
	// Warnings are the lines of [Schema.Warnings].
	Warnings []string `json:"warnings,omitempty"`
	// Proposals are keys and links that are not declared and not used; filled by the caller.
	Proposals []ProposalView `json:"proposals,omitempty"`
}

// SkippedView is a [Skipped] for JSON.
type SkippedView struct {
	Object string `json:"object"`
	Reason string `json:"reason"`
}

// TableView is a [Table] for JSON.
type TableView struct {
	Name      string       `json:"name"`
	Namespace string       `json:"namespace,omitempty"`
	Rows      *int64       `json:"rows,omitempty"` // estimate; absent where unknown
	Ignore    bool         `json:"ignore,omitempty"`
	Key       []string     `json:"key,omitempty"`
	KeyReason string       `json:"key_reason,omitempty"`
	Unique    [][]string   `json:"unique,omitempty"`
	Time      *TimeView    `json:"time,omitempty"`
	TimeNote  string       `json:"time_note,omitempty"`
	Links     []LinkView   `json:"links,omitempty"`
	Columns   []ColumnView `json:"columns"`
}

// TimeView is a [RowTime] for JSON. With Via set, Column belongs to Table; without
// Column the time is the one that Table's rows have.
type TimeView struct {
	Column string `json:"column,omitempty"`
	Via    string `json:"via,omitempty"`
	Table  string `json:"table,omitempty"`
	Until  string `json:"until,omitempty"`
	Zone   string `json:"zone,omitempty"`
	Day    string `json:"day,omitempty"` // "end": a date counts from the end of its day on
	Reason string `json:"reason,omitempty"`
}

// LinkView is a [Link] for JSON.
type LinkView struct {
	Name       string   `json:"name"`
	Columns    []string `json:"columns"`
	To         string   `json:"to"`
	References []string `json:"references"`
	Reason     string   `json:"reason,omitempty"`
}

// ColumnView is a [Column] for JSON.
type ColumnView struct {
	Name    string `json:"name"`
	Type    string `json:"type"` // semantic type
	DBType  string `json:"db_type"`
	Kind    string `json:"kind"`
	NotNull bool   `json:"not_null,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// View returns s with names in place of numbers. It shares nothing with s.
func (s *Schema) View() View {
	v := View{Tables: []TableView{}, Warnings: s.Warnings()}
	for _, t := range s.Tables {
		v.Tables = append(v.Tables, s.tableView(t))
	}
	for _, k := range s.Skipped {
		v.Skipped = append(v.Skipped, SkippedView(k))
	}
	return v
}

func (s *Schema) tableView(t *Table) TableView {
	v := TableView{Name: t.Name, Namespace: t.Namespace, Ignore: t.Ignore, Key: t.Names(t.Key), KeyReason: t.KeyReason,
		TimeNote: t.TimeNote, Columns: []ColumnView{}}
	if t.Estimate >= 0 {
		rows := t.Estimate
		v.Rows = &rows
	}
	for _, u := range t.Unique {
		v.Unique = append(v.Unique, t.Names(u))
	}
	if rt := t.Time; rt != nil {
		v.Time = &TimeView{Column: t.timeColumn(s), Zone: rt.Zone, Reason: rt.Reason}
		if rt.Via >= 0 {
			v.Time.Via, v.Time.Table = t.viaName(rt.Via), s.fileName(s.Tables[t.Links[rt.Via].To])
		}
		if rt.DayEnd {
			v.Time.Day = "end"
		}
		if rt.Until >= 0 {
			v.Time.Until = t.Columns[rt.Until].Name
		}
	}
	for _, l := range t.Links {
		to := s.Tables[l.To]
		v.Links = append(v.Links, LinkView{Name: l.Name, Columns: t.Names(l.Columns), To: s.fileName(to), References: to.Names(l.Ref), Reason: l.Reason})
	}
	for _, c := range t.Columns {
		v.Columns = append(v.Columns, ColumnView{Name: c.Name, Type: string(c.Sem), DBType: c.DBType, Kind: c.Kind.String(), NotNull: c.NotNull, Reason: c.Reason})
	}
	return v
}
