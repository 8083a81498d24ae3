package rowlink

import "github.com/rowlink/rowlink/graph"

// StoreGraphsFrom lets graphs of that many links be stored, until restore is called.
func StoreGraphsFrom(links int) (restore func()) {
	before := storedLinks
	storedLinks = links
	return func() { storedLinks = before }
}

// Links is the graph that all tasks of d share.
func (d *Database) Links() (*graph.Graph, error) { return d.links() }

// MeanOf is how predictions of a task type are averaged.
var MeanOf = meanOf
