package tql

import (
	"fmt"

	"github.com/rowlink/rowlink/tasks"
)

// ranking says what a link prediction task ranks.
func (r *reader) ranking(task *tasks.Task) string {
	k := task.Ranking
	name := r.sc.Tables[k.Items].Name
	out := fmt.Sprintf("which %s rows come true, the %d likeliest first: %s", name, k.Top, r.value(task.Target))
	if k.IncludingNew {
		out += "; rows of " + name + " that come to be known within the window count too"
	} else {
		out += "; only rows of " + name + " that exist at the anchor count"
	}
	if k.ExcludeSeen {
		out += "; what the row was linked to before is no candidate"
	}
	return out + "."
}
