// Package tower owns retrieval by two towers: one makes a vector of an entity's past, the
// other of an item, and their inner product is a score. It reaches items that no history
// leads to. [Fit] trains both, [Model.Recommend] answers, and [Search] finds the best
// items of a query among all of them exactly.
package tower
