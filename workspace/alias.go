package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"
)

// Prod is the alias that is served when a request names no version.
const Prod = "prod"

// Names that Model understands beside numbers and aliases; no alias may be called so.
const (
	Latest   = "latest"   // the highest committed version
	Previous = "previous" // what prod named before its last promotion
)

// aliasBook is the content of aliases.json.
type aliasBook struct {
	Aliases map[string]*alias `json:"aliases"`
	Moves   []Move            `json:"moves"` // oldest first
}

type alias struct {
	Version int   `json:"version"`
	Before  []int `json:"before,omitempty"` // what it named earlier, latest last: the way back
}

// A Move is one change of an alias.
type Move struct {
	Act   string    `json:"act"` // promote or rollback
	Alias string    `json:"alias"`
	From  int       `json:"from,omitempty"` // 0 = the alias was new
	To    int       `json:"to"`
	At    time.Time `json:"at"`
}

func (b aliasBook) namesOf(version int) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(b.Aliases)) {
		if b.Aliases[name].Version == version {
			names = append(names, name)
		}
	}
	return names
}

func (w *Workspace) readAliases(task string) (aliasBook, error) {
	b := aliasBook{Aliases: map[string]*alias{}}
	data, err := os.ReadFile(w.path("models", task, "aliases.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &b)
	}
	for name, a := range b.Aliases {
		if err == nil && (a == nil || a.Version < 1) {
			err = fmt.Errorf("alias %q names no version", name)
		}
	}
	if err != nil {
		return b, fmt.Errorf("read aliases of task %q: %w", task, err)
	}
	return b, nil
}

// Model returns the version of a task that ref names: a number, an alias, "latest",
// "previous", or "" for prod. A [*NotFoundError] lists what there is.
func (w *Workspace) Model(task, ref string) (*Model, error) {
	if err := CheckTaskName(task); err != nil {
		return nil, err
	}
	numbers, err := w.versions(task)
	if err != nil {
		return nil, err
	}
	book, err := w.readAliases(task)
	if err != nil {
		return nil, err
	}
	if n, ok := resolve(ref, numbers, book); ok {
		return w.readModel(task, n, book)
	}
	return nil, w.noModel(task, ref, numbers, book)
}

// resolve returns the committed version that ref names.
func resolve(ref string, numbers []int, book aliasBook) (int, bool) {
	n, ok := versionNumber(ref)
	switch {
	case ok:
	case len(numbers) == 0:
		return 0, false
	case ref == Latest:
		n = numbers[len(numbers)-1]
	case ref == Previous:
		if prod := book.Aliases[Prod]; prod != nil && len(prod.Before) > 0 {
			n = prod.Before[len(prod.Before)-1]
		}
	default:
		if ref == "" {
			ref = Prod
		}
		if a := book.Aliases[ref]; a != nil {
			n = a.Version
		}
	}
	return n, slices.Contains(numbers, n)
}

func (w *Workspace) noModel(task, ref string, numbers []int, book aliasBook) error {
	e := &NotFoundError{Kind: "model", Name: ref, Task: task, Dir: w.dir, Advice: "rowlink train makes one"}
	if len(numbers) > 0 {
		last := numbers[len(numbers)-1]
		e.Advice = fmt.Sprintf("rowlink promote %s %d puts version %d into service", task, last, last)
		for _, n := range numbers {
			e.Have = append(e.Have, strconv.Itoa(n))
		}
		e.Have = append(e.Have, slices.Sorted(maps.Keys(book.Aliases))...)
	}
	return e
}

// Promote lets an alias name the version of a task that ref names, after comparing the
// version's files with its manifest. An empty alias means prod. Promoting the version
// that the alias names already changes nothing.
func (w *Workspace) Promote(task, ref, name string) (Move, error) {
	if name == "" {
		name = Prod
	}
	if err := checkAlias(name); err != nil {
		return Move{}, err
	}
	m, err := w.Model(task, ref)
	if err != nil {
		return Move{}, err
	}
	if err := m.Verify(); err != nil {
		return Move{}, err
	}
	move := Move{Act: "promote", Alias: name, To: m.Version}
	return w.move(task, move, func(b *aliasBook) (Move, error) {
		a := b.Aliases[name]
		if a == nil {
			a = &alias{}
			b.Aliases[name] = a
		}
		move.From = a.Version
		if a.Version != 0 && a.Version != m.Version {
			a.Before = append(a.Before, a.Version)
		}
		a.Version = m.Version
		return move, nil
	})
}

// Before returns the version that a [Workspace.Rollback] of an alias would let it name, or nil.
func (w *Workspace) Before(task, name string) (*Model, error) {
	book, err := w.readAliases(task)
	if err != nil || book.Aliases[name] == nil || len(book.Aliases[name].Before) == 0 {
		return nil, err
	}
	before := book.Aliases[name].Before
	return w.readModel(task, before[len(before)-1], book)
}

// Rollback lets an alias name again what it named before its last promotion. Repeated,
// it walks further back. An empty alias means prod.
func (w *Workspace) Rollback(task, name string) (Move, error) {
	if name == "" {
		name = Prod
	}
	if err := errors.Join(CheckTaskName(task), checkAlias(name)); err != nil {
		return Move{}, err
	}
	if _, err := w.Model(task, name); err != nil {
		return Move{}, err
	}
	move := Move{Act: "rollback", Alias: name}
	return w.move(task, move, func(b *aliasBook) (Move, error) {
		a := b.Aliases[name]
		if a == nil || len(a.Before) == 0 {
			return move, errors.New("it named no other version before")
		}
		last := len(a.Before) - 1
		move.From, move.To = a.Version, a.Before[last]
		a.Version, a.Before = a.Before[last], a.Before[:last]
		m, err := w.readModel(task, a.Version, *b)
		if err != nil {
			return move, err
		}
		return move, m.Verify()
	})
}

// move applies one change to the aliases of a task and notes it.
func (w *Workspace) move(task string, m Move, apply func(*aliasBook) (Move, error)) (Move, error) {
	err := w.change(fmt.Sprintf("%s alias %q of task %q", m.Act, m.Alias, task), func() error {
		book, err := w.readAliases(task)
		if err != nil {
			return err
		}
		if m, err = apply(&book); err != nil || m.From == m.To {
			return err
		}
		m.At = w.now().UTC().Truncate(time.Millisecond)
		book.Moves = append(book.Moves, m)
		return w.files.writeJSON(w.path("models", task, "aliases.json"), book)
	})
	if err != nil {
		return Move{}, err
	}
	return m, nil
}

// Moves returns every change of the aliases of a task, oldest first.
func (w *Workspace) Moves(task string) ([]Move, error) {
	if err := CheckTaskName(task); err != nil {
		return nil, err
	}
	book, err := w.readAliases(task)
	return book.Moves, err
}

func checkAlias(name string) error {
	if err := checkName("alias", name); err != nil {
		return err
	}
	if _, isNumber := versionNumber(name); isNumber || name == Latest || name == Previous {
		return fmt.Errorf("alias name %q is taken: it names a version itself", name)
	}
	return nil
}
