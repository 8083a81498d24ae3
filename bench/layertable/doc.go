// Package layertable owns the comparison of all layers of the registry: each trained with
// the same small settings on the same tasks of five real databases, and the table of what
// came out. Validation chooses the epoch of each training.
package layertable
