package tql

// show reads SHOW and what it shows.
func (p *parser) show() Statement {
	const hint = "SHOW shows TASKS, MODELS, MAPPING [table], TASK name, MODEL name [VERSION n] or LABELS name."
	p.next()
	s := &Show{}
	switch {
	case p.takeWords("TASKS"):
		s.Kind = ShowTasks
	case p.takeWords("MODELS"):
		s.Kind = ShowModels
	case p.takeWords("MAPPING"):
		s.Kind = ShowMapping
		if p.tok().isName() {
			s.Table = p.table("a table")
		}
	case p.takeWords("TASK"):
		s.Kind, s.Name = ShowTask, p.name("the name of a task")
	case p.takeWords("MODEL"):
		s.Kind, s.Name = ShowModel, p.name("the name of a model")
		if p.takeWords("VERSION") {
			s.Version = p.count("VERSION")
		}
	case p.takeWords("LABELS"):
		s.Kind, s.Name = ShowLabels, p.name("the name of a task")
		p.showLabels(s)
	default:
		p.unexpected("what to show", hint)
	}
	return s
}

// showLabels reads SQL, or [SPLIT s] [AT anchor] [LIMIT n].
func (p *parser) showLabels(s *Show) {
	if s.SQL = p.takeWords("SQL"); s.SQL {
		return
	}
	if p.takeWords("SPLIT") {
		if p.isWord("TRAIN", "VAL", "TEST") {
			s.Split = p.next().upper
		} else {
			p.unexpected("TRAIN, VAL or TEST", "write SPLIT TRAIN, SPLIT VAL or SPLIT TEST.")
		}
	}
	if p.takeWords("AT") {
		s.At = p.anchor()
	}
	if p.takeWords("LIMIT") {
		s.Limit = p.count("LIMIT")
	}
}

// count reads the number after a word, at least 1.
func (p *parser) count(word string) *Int {
	n := p.integer("the number after " + word)
	if !p.stop && n.N < 1 {
		p.soft(n.Loc, "TK194", word+" takes 1 or more.", "%s %s is out of range", word, p.slice(n.Loc))
	}
	return n
}
