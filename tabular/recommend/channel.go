package recommend

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rowlink/rowlink/ingest"
	"github.com/rowlink/rowlink/tasks"
)

// channel is one kind of event that links entities to items: the task's own, or the rows
// of a table from which foreign keys lead to both.
type channel struct {
	name     string
	byEntity events  // of each entity, in time order; to items
	byItem   events  // of each item, in time order; to entities
	item     []int32 // of all events in time order, with
	time     []int64 // their times
}

// events are lists of (other row, time), one list per row.
type events struct {
	start []int32
	other []int32
	time  []int64
}

func (e *events) of(row int32) (other []int32, time []int64) {
	lo, hi := e.start[row], e.start[row+1]
	return e.other[lo:hi], e.time[lo:hi]
}

// past is the part of a list that is visible.
func (e *events) past(row int32, m ingest.Moment) (other []int32, time []int64) {
	other, time = e.of(row)
	n := m.Count(time)
	return other[:n], time[:n]
}

func newChannel(name string, e *tasks.Events, entities, items int) *channel {
	c := &channel{name: name}
	order := make([]int32, len(e.Time))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(e.Time[a], e.Time[b]), cmp.Compare(e.Entity[a], e.Entity[b]), cmp.Compare(e.Item[a], e.Item[b]), cmp.Compare(a, b))
	})
	c.byEntity = grouped(order, e.Entity, e.Item, e.Time, entities)
	c.byItem = grouped(order, e.Item, e.Entity, e.Time, items)
	for _, i := range order {
		c.item, c.time = append(c.item, e.Item[i]), append(c.time, e.Time[i])
	}
	return c
}

// grouped lists the events of each key, in their order.
func grouped(order, key, other []int32, time []int64, keys int) events {
	out := events{start: make([]int32, keys+1), other: make([]int32, len(order)), time: make([]int64, len(order))}
	for _, k := range key {
		out.start[k+1]++
	}
	for k := range keys {
		out.start[k+1] += out.start[k]
	}
	next := slices.Clone(out.start[:keys])
	for _, i := range order {
		at := next[key[i]]
		next[key[i]]++
		out.other[at], out.time[at] = other[i], time[i]
	}
	return out
}

// mostChannels bounds the kinds of events beside the task's own.
const mostChannels = 3

// channels are the task's own events, which come first, and those of other tables.
func channels(snap *ingest.Snapshot, task *tasks.Task, threads int) ([]*channel, error) {
	own, err := tasks.RankedEvents(snap, task, threads)
	if err != nil {
		return nil, err
	}
	entities, items := snap.Tables[task.Entity].Rows, snap.Tables[task.Ranking.Items].Rows
	out := []*channel{newChannel("target", own, entities, items)}
	a := task.Target.(*tasks.Aggregate)
	for t, table := range snap.Tables {
		if len(out) > mostChannels {
			break
		}
		if table.Def.Ignore || table.Until != nil || table.Times == nil || t == a.Table && a.Filter == nil || t == task.Entity || t == task.Ranking.Items {
			continue
		}
		for _, to := range chains(snap, task, t, task.Entity, task.Ranking.Items) {
			for _, of := range chains(snap, task, t, task.Ranking.Items, task.Entity) {
				if len(out) > mostChannels || slices.Equal(to, of) {
					continue
				}
				e := linked(snap, t, to, of)
				if slices.ContainsFunc(e.Time, func(at int64) bool { return task.Options.Rule.Visible(at, task.Options.ValAnchor) }) {
					out = append(out, newChannel(chainName(snap, t, to)+" and "+chainName(snap, t, of), e, entities, items))
				}
			}
		}
	}
	return out, nil
}

// chains lists the ways over one or two foreign keys from a table up to another that do
// not pass through a third one, nor over a foreign key that the task hides.
func chains(snap *ingest.Snapshot, task *tasks.Task, from, to, notThrough int) [][]int {
	var out [][]int
	for l, link := range snap.Schema.Tables[from].Links {
		if link.To == to && !hidden(task, from, link) {
			out = append(out, []int{l})
		}
	}
	for l, link := range snap.Schema.Tables[from].Links {
		if hidden(task, from, link) || link.To == notThrough || link.To == to || snap.Schema.Tables[link.To].Ignore || snap.Tables[link.To].Until != nil {
			continue
		}
		for l2, next := range snap.Schema.Tables[link.To].Links {
			if next.To == to && !hidden(task, link.To, next) {
				out = append(out, []int{l, l2})
			}
		}
	}
	return out
}

// linked follows two chains from every row of a table.
func linked(snap *ingest.Snapshot, table int, toEntity, toItem []int) *tasks.Events {
	e := &tasks.Events{}
	for r := range int32(snap.Tables[table].Rows) {
		entity, at := follow(snap, table, r, toEntity)
		item, at2 := follow(snap, table, r, toItem)
		if entity >= 0 && item >= 0 && max(at, at2) != ingest.Never {
			e.Entity, e.Item, e.Time = append(e.Entity, entity), append(e.Item, item), append(e.Time, max(at, at2))
		}
	}
	return e
}

// follow walks up a chain and says when the last row on it came to be known; -1 where it
// leads nowhere.
func follow(snap *ingest.Snapshot, table int, row int32, chain []int) (to int32, at int64) {
	at = snap.Tables[table].TimeOf(row)
	for _, l := range chain {
		if row = snap.Tables[table].Parents[l][row]; row < 0 {
			return -1, at
		}
		table = snap.Schema.Tables[table].Links[l].To
		at = max(at, snap.Tables[table].TimeOf(row))
	}
	return row, at
}

func chainName(snap *ingest.Snapshot, table int, chain []int) string {
	var parts []string
	for i, l := range chain {
		def := snap.Schema.Tables[table]
		name := def.Links[l].Name
		if i == 0 {
			name = def.Name + "." + name
		}
		parts = append(parts, name)
		table = def.Links[l].To
	}
	return strings.Join(parts, "->")
}
