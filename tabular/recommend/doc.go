// Package recommend owns link prediction: which rows of a table will an entity be linked
// to? Candidates come from what the entity was linked to, from what is popular, and from
// what entities with common items were linked to; simple rules and boosted trees order
// them by features as of the feature cut, and validation chooses among those.
package recommend
