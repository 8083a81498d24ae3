package rowlink

import "github.com/rowlink/rowlink/graph"

// storedLinks is the number of links from which the graph is kept in a file beside the
// snapshot. Below it, building costs some hundredths of a second. It is a variable for
// tests only.
var storedLinks = 1 << 20

// links returns the graph of the snapshot, which all tasks share. That of a large stored
// snapshot is mapped from its file, which is made when it is missing, of another mapping
// or damaged.
func (d *Database) links() (*graph.Graph, error) {
	d.graphOnce.Do(func() {
		n := 0
		for _, t := range d.Snap.Tables {
			n += t.Rows * len(t.Def.Links)
		}
		if d.dir == "" || n < storedLinks {
			d.graph, d.graphErr = graph.Build(d.Snap)
			return
		}
		d.graph, d.graphErr = graph.OpenOrStore(d.dir, d.Snap, d.opt.OnNote)
	})
	return d.graph, d.graphErr
}
