package tasks

// An Error is a mistake in a task or a property of the data that keeps the task from
// having labels. Code is one of the TK codes of the task language.
type Error struct {
	Code string // "TK134"
	Msg  string // what was found, and what was wanted
	Hint string // what to write instead; may be empty
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Code + ": " + e.Msg
	}
	return e.Code + ": " + e.Msg + " (" + e.Hint + ")"
}
