package tql

// ShowKind is what SHOW shows.
type ShowKind uint8

// The kinds of SHOW.
const (
	ShowTasks ShowKind = iota
	ShowModels
	ShowMapping
	ShowTask
	ShowModel
	ShowLabels
)

// Show is SHOW. Name is the task or model; the other fields belong to one kind each.
type Show struct {
	Base
	Kind    ShowKind
	Name    Name
	Table   *Table      // ShowMapping; nil = all tables
	Version *Int        // ShowModel; nil = current
	SQL     bool        // ShowLabels: the lowered SQL
	Split   string      // ShowLabels: TRAIN, VAL, TEST; empty = all
	At      *AnchorTime // ShowLabels; nil = all
	Limit   *Int        // ShowLabels; nil = none
}

func (s *Show) String() string { return textOf(s) }

var showWords = [...]string{"TASKS", "MODELS", "MAPPING", "TASK", "MODEL", "LABELS"}

func (s *Show) print(p *printer) {
	p.add("SHOW ", showWords[s.Kind])
	if s.Kind >= ShowTask {
		p.add(" ")
		p.name(s.Name)
	}
	if s.Table != nil {
		p.add(" ")
		s.Table.print(p)
	}
	if s.Version != nil {
		p.add(" VERSION ", s.Version.String())
	}
	p.addIf(s.SQL, " SQL")
	if s.Split != "" {
		p.add(" SPLIT ", s.Split)
	}
	if s.At != nil {
		p.add(" AT ")
		s.At.print(p)
	}
	if s.Limit != nil {
		p.add(" LIMIT ", s.Limit.String())
	}
}
