// Package pgoutput reads the messages of Postgres' built-in logical decoding plug-in, pgoutput,
// in version 1 of its protocol (whole transactions, in commit order; no streaming of open ones).
// It turns bytes into values and owns no connection: nothing here reads a server or keeps state.
package pgoutput

// Message is one decoded message; its type is one of the structs of this file.
type Message interface{ message() }

// LSN is a position in the write-ahead log, in bytes.
type LSN uint64

// Begin opens a transaction. Time counts microseconds since 2000-01-01 UTC, as in Commit.
type Begin struct {
	Final LSN // of the commit record
	Time  int64
	XID   uint32
}

// Commit closes the transaction that the last Begin opened. Who has applied everything up to
// End may tell the server so, and skip whatever arrives again with a Commit at or below it.
type Commit struct {
	Flags       uint8
	Commit, End LSN
	Time        int64
}

// Origin names where a transaction came from that was itself replicated.
type Origin struct {
	Commit LSN
	Name   string
}

// Relation describes a table before its first change in a session and after each change of its definition.
type Relation struct {
	ID           uint32
	Schema, Name string // Schema is empty for pg_catalog
	Identity     byte   // pg_class.relreplident: d, n, f or i
	Columns      []Column
}

// Column is one column of a Relation. Generated columns do not occur.
type Column struct {
	Key      bool // part of the replica identity
	Name     string
	Type     uint32 // pg_type.oid
	Modifier int32  // atttypmod, -1 for none
}

// Type names a type that is not built in, before the first Relation that uses it.
type Type struct {
	ID           uint32
	Schema, Name string
}

// Insert is a new row.
type Insert struct {
	Relation uint32
	New      Tuple
}

// Update is a changed row. Old is nil where the replica identity did not change; otherwise it
// holds the whole old row (OldKind 'O', identity full) or its key, other columns Null ('K').
type Update struct {
	Relation uint32
	OldKind  byte // 0, 'K' or 'O'
	Old, New Tuple
}

// Delete is a removed row, known by its key ('K') or whole ('O') as in Update.
type Delete struct {
	Relation uint32
	OldKind  byte
	Old      Tuple
}

// Truncate empties tables.
type Truncate struct {
	Cascade, RestartIdentity bool
	Relations                []uint32
}

// Logical is a message that somebody wrote with pg_logical_emit_message.
type Logical struct {
	Transactional bool
	At            LSN
	Prefix        string
	Content       []byte
}

// Kind says how a value was sent.
type Kind byte

// The kinds of a Value. Unchanged stands for a value stored out of line (TOAST) that an update
// left alone: the server does not send it, and it must be taken from the row known so far.
const (
	Null      Kind = 'n'
	Unchanged Kind = 'u'
	Text      Kind = 't'
	Binary    Kind = 'b'
)

// Value is one column of a row. Data shares memory with the decoded bytes.
type Value struct {
	Kind Kind
	Data []byte
}

// Tuple is a row, in the order of Relation.Columns.
type Tuple []Value

func (*Begin) message()    {}
func (*Commit) message()   {}
func (*Origin) message()   {}
func (*Relation) message() {}
func (*Type) message()     {}
func (*Insert) message()   {}
func (*Update) message()   {}
func (*Delete) message()   {}
func (*Truncate) message() {}
func (*Logical) message()  {}
