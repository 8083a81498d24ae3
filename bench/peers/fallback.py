"""Temporal neighbour sampling in numpy, for machines without pyg-lib.

Makes the batches that PyG's NeighborLoader makes with disjoint uniform temporal
sampling: one subgraph per seed, per edge type at most `fan` of the neighbours with
time <= seed time, each row once per seed. It is slow, and gnn.py does not count its
time.
"""
import numpy as np
import torch
from torch_geometric.data import HeteroData


class Edges:
    """Incoming edges of one type, by destination and then by time of the source."""

    def __init__(self, src, dst, src_time, n_dst, span):
        t = np.zeros(len(src), np.int64) if src_time is None else src_time[src] - span[0]
        order = np.lexsort((t, dst))
        self.src, self.span = src[order], span[1]
        self.key = dst[order] * span[1] + t[order]
        self.start = np.searchsorted(dst[order], np.arange(n_dst + 1))

    def draw(self, dst, at, fan, rng):
        """Positions in dst and sources of the drawn edges; at = seed time per dst."""
        lo = self.start[dst]
        n = np.searchsorted(self.key, dst * self.span + at, side="right") - lo
        n = np.maximum(np.minimum(n, self.start[dst + 1] - lo), 0)
        few = np.nonzero(n <= fan)[0]
        who = np.repeat(few, n[few])
        pos = np.arange(len(who)) - np.repeat(np.cumsum(n[few]) - n[few], n[few])
        who, pos = [who], [pos]
        for i in np.nonzero(n > fan)[0]:
            who.append(np.full(fan, i))
            pos.append(rng.choice(n[i], fan, replace=False))
        who, pos = np.concatenate(who), np.concatenate(pos)
        return who, self.src[lo[who] + pos]


class Rows:
    """Copies of the rows of one table in a batch: (seed, row) to local number."""

    def __init__(self, n):
        self.n, self.keys = n, np.empty(0, np.int64)
        self.sorted = self.local = np.empty(0, np.int64)

    def add(self, seed, row):
        k = np.unique(seed * self.n + row)
        k = k[~np.isin(k, self.keys)]
        self.keys = np.concatenate([self.keys, k])
        self.local = np.argsort(self.keys)
        self.sorted = self.keys[self.local]

    def find(self, seed, row):
        return self.local[np.searchsorted(self.sorted, seed * self.n + row)]


class Loader:
    """Iterates over HeteroData batches like NeighborLoader; nodes and edges are counted."""

    def __init__(self, data, fan, nodes, times, batch, shuffle, transform, entity="drivers"):
        self.data, self.fan, self.batch, self.shuffle = data, fan, batch, shuffle
        self.nodes, self.times, self.transform, self.entity = nodes, times, transform, entity
        self.rng = np.random.default_rng(0)
        self.node_count = self.edge_count = 0
        self.time = {t: data[t].time.numpy() for t in data.node_types if "time" in data[t]}
        lo = min(min(t.min() for t in self.time.values()), times.min())
        hi = max(max(t.max() for t in self.time.values()), times.max())
        self.span = (int(lo), int(hi - lo + 1))
        self.edges = {}
        for e in data.edge_types:
            src, dst = data[e].edge_index.numpy()
            self.edges[e] = Edges(src, dst, self.time.get(e[0]), data[e[2]].num_nodes, self.span)

    def __len__(self):
        return -(-len(self.nodes) // self.batch)

    def __iter__(self):
        order = self.rng.permutation(len(self.nodes)) if self.shuffle else np.arange(len(self.nodes))
        for s in range(0, len(order), self.batch):
            yield self.sample(order[s:s + self.batch])

    def sample(self, ids):
        rows = {t: Rows(self.data[t].num_nodes) for t in self.data.node_types}
        at = self.times[ids] - self.span[0]
        seed = np.arange(len(ids))
        rows[self.entity].keys = seed * rows[self.entity].n + self.nodes[ids]
        rows[self.entity].add(seed, self.nodes[ids])
        done = {t: 0 for t in rows}
        drawn = {e: [] for e in self.edges}
        for fan in self.fan:
            front = {t: r.keys[done[t]:] for t, r in rows.items()}
            done = {t: len(r.keys) for t, r in rows.items()}
            for e, edges in self.edges.items():
                s, v = np.divmod(front[e[2]], rows[e[2]].n)
                who, src = edges.draw(v, at[s], fan, self.rng)
                drawn[e].append((s[who], src, v[who]))
                rows[e[0]].add(s[who], src)
        out = HeteroData()
        for t, r in rows.items():
            s, v = np.divmod(r.keys, r.n)
            out[t].batch = torch.from_numpy(s)
            out[t].tf = self.data[t].tf[torch.from_numpy(v)]
            if t in self.time:
                out[t].time = self.data[t].time[torch.from_numpy(v)]
            self.node_count += len(v)
        for e, parts in drawn.items():
            s, src, dst = (np.concatenate(x) for x in zip(*parts))
            out[e].edge_index = torch.from_numpy(np.stack([rows[e[0]].find(s, src), rows[e[2]].find(s, dst)]))
            self.edge_count += len(s)
        out[self.entity].seed_time = torch.from_numpy(self.times[ids])
        out[self.entity].input_id = torch.from_numpy(ids)
        return self.transform(out)
