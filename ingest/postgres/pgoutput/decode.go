package pgoutput

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Decode reads one message, the payload of one XLogData. Bytes that are cut short, left over or
// of an unknown kind are an error: a change that is half understood must not be applied.
func Decode(data []byte) (Message, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("pgoutput: empty message")
	}
	read, ok := readers[data[0]]
	if !ok {
		return nil, fmt.Errorf("pgoutput: unknown message %q: protocol version 1 without streaming has none such", data[0])
	}
	r := &reader{left: data[1:]}
	m := read(r)
	if r.err == nil && len(r.left) > 0 {
		r.fail("%d bytes left over", len(r.left))
	}
	if r.err != nil {
		return nil, fmt.Errorf("pgoutput: message %q, byte %d: %w", data[0], len(data)-len(r.left), r.err)
	}
	return m, nil
}

// readers holds the body of each message by its first byte.
var readers = map[byte]func(*reader) Message{
	'B': func(r *reader) Message { return &Begin{Final: LSN(r.u64()), Time: int64(r.u64()), XID: r.u32()} },
	'C': func(r *reader) Message {
		return &Commit{Flags: r.u8(), Commit: LSN(r.u64()), End: LSN(r.u64()), Time: int64(r.u64())}
	},
	'O': func(r *reader) Message { return &Origin{Commit: LSN(r.u64()), Name: r.text()} },
	'R': relation,
	'Y': func(r *reader) Message { return &Type{ID: r.u32(), Schema: r.text(), Name: r.text()} },
	'I': func(r *reader) Message {
		m := &Insert{Relation: r.u32()}
		r.want('N')
		m.New = r.tuple()
		return m
	},
	'U': update,
	'D': func(r *reader) Message {
		m := &Delete{Relation: r.u32(), OldKind: r.u8()}
		if m.OldKind != 'K' && m.OldKind != 'O' {
			r.fail("old row is marked %q, want K or O", m.OldKind)
		}
		m.Old = r.tuple()
		return m
	},
	'T': truncate,
	'M': func(r *reader) Message {
		m := &Logical{Transactional: r.flag(1)&1 != 0, At: LSN(r.u64()), Prefix: r.text()}
		m.Content = r.take(int64(r.u32()))
		return m
	},
}

func relation(r *reader) Message {
	m := &Relation{ID: r.u32(), Schema: r.text(), Name: r.text(), Identity: r.u8()}
	for n := r.u16(); n > 0 && r.err == nil; n-- {
		m.Columns = append(m.Columns, Column{Key: r.flag(1) == 1, Name: r.text(), Type: r.u32(), Modifier: int32(r.u32())})
	}
	return m
}

func update(r *reader) Message {
	m := &Update{Relation: r.u32()}
	mark := r.u8()
	if mark == 'K' || mark == 'O' {
		m.OldKind, m.Old = mark, r.tuple()
		mark = r.u8()
	}
	if mark != 'N' {
		r.fail("new row is marked %q, want N", mark)
	}
	m.New = r.tuple()
	return m
}

func truncate(r *reader) Message {
	n := int64(r.u32())
	flags := r.flag(3)
	m := &Truncate{Cascade: flags&1 != 0, RestartIdentity: flags&2 != 0}
	for ; n > 0 && r.err == nil; n-- {
		m.Relations = append(m.Relations, r.u32())
	}
	return m
}

// reader takes values off the front of a message. After the first error it yields zeros.
type reader struct {
	left []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// take returns the next n bytes, sharing memory, or nil after an error.
func (r *reader) take(n int64) []byte {
	if r.err == nil && n > int64(len(r.left)) {
		r.fail("want %d bytes, have %d", n, len(r.left))
	}
	if r.err != nil {
		return nil
	}
	b := r.left[:n:n]
	r.left = r.left[n:]
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// flag reads a byte of flags and refuses bits outside known.
func (r *reader) flag(known uint8) uint8 {
	f := r.u8()
	if f&^known != 0 {
		r.fail("unknown flags %#x", f)
	}
	return f
}

func (r *reader) want(mark byte) {
	if got := r.u8(); got != mark {
		r.fail("row is marked %q, want %q", got, mark)
	}
}

// text reads up to a zero byte.
func (r *reader) text() string {
	n := bytes.IndexByte(r.left, 0)
	if n < 0 {
		r.fail("text without an end")
		return ""
	}
	return string(bytes.TrimSuffix(r.take(int64(n)+1), []byte{0}))
}

func (r *reader) tuple() Tuple {
	n := r.u16()
	// A value costs a byte at least, so a lying count cannot make this large.
	t := make(Tuple, 0, min(int(n), len(r.left)))
	for ; n > 0 && r.err == nil; n-- {
		v := Value{Kind: Kind(r.u8())}
		switch v.Kind {
		case Text, Binary:
			v.Data = r.take(int64(r.u32()))
		case Null, Unchanged:
		default:
			r.fail("unknown kind of value %q", byte(v.Kind))
		}
		t = append(t, v)
	}
	return t
}
