// Package scan owns the network whose rows send one message each, at the time of the row,
// and whose entities keep decayed sums of them: states that all seeds share, made in one
// pass over the rows without sampling.
//
// A row j of a child table sends m_j, made of its own columns, the columns of its ancestors
// over foreign keys, and in layers above the first of the states that its parents had
// strictly before the row. An ancestor p that is reached over a path of foreign keys keeps
// for every rate
//
//	S(t) = sum over its rows j known by t of exp(-rate (t - t_j)) m_j,   N(t) the same of 1
//
// A seed reads the decayed means (S + w m0) / (N + w), log(N + 0.05) and the days since the
// youngest row: of its entity, of the entity's ancestors, and of the parents of the
// youngest rows. It sees what its feature cut sees and nothing later; see [ingest.TimeRule].
// Columns themselves are messages too, whose states do not depend on parameters.
//
// Relatives: memory networks on events (TGN, Rossi et al., 2020; JODIE, Kumar et al., 2019)
// and linear recurrences (Martin and Cundy, 2018). Here states are linear in the messages
// and decay at known rates, so that a pass is a scan, the gradient has no staleness, and a
// new row updates a state in as many steps as the state has numbers.
package scan
