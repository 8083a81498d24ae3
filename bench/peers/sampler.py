"""Speed of pyg-lib's temporal sampler through PyG's NeighborSampler.

    python sampler.py f1 DATA --threads 2 --out f1.json
    python sampler.py synth --entities 1000000 --facts 20000000
"""
import argparse
import resource
import sys
import time
import numpy as np
import torch
from torch_geometric.data import HeteroData
from torch_geometric.sampler import NeighborSampler, NodeSamplerInput
from figures import Figures, pyg_lib_version

ap = argparse.ArgumentParser()
ap.add_argument("what", choices=["f1", "synth"])
ap.add_argument("data", nargs="?")
ap.add_argument("--task", default="driver-position")
ap.add_argument("--batch", type=int, default=512)
ap.add_argument("--fan", default="")
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--reps", type=int, default=5)
ap.add_argument("--entities", type=int, default=1_000_000)
ap.add_argument("--facts", type=int, default=20_000_000)
ap.add_argument("--strategy", default="uniform")
ap.add_argument("--batches", type=int, default=200)
ap.add_argument("--out")
a = ap.parse_args()
F = Figures(a)
if not pyg_lib_version():
    print("no pyg-lib: its sampler is not measured", file=sys.stderr)
    F.write()
    sys.exit()
torch.set_num_threads(a.threads)
torch.manual_seed(0)
t0 = time.perf_counter()
if a.what == "f1":
    import f1data
    from relbench.modeling.utils import to_unix_time
    T = f1data.load(a.data)
    C = f1data.cut(T, f1data.TEST)
    data = HeteroData()
    for n, (_, pk, tc, fks, _) in f1data.SPEC.items():
        data[n].num_nodes = len(C[n])
        if tc:
            data[n].time = torch.from_numpy(np.array(to_unix_time(C[n][tc])))
        for col, dst in fks.items():
            m = C[n][col].notna().to_numpy()
            f = torch.arange(len(C[n]))[torch.from_numpy(m)]
            p = torch.from_numpy(C[n][col][m].to_numpy().astype(int))
            data[n, "f_" + col, dst].edge_index = torch.stack([f, p])
            data[dst, "r_" + col, n].edge_index = torch.stack([p, f])
    S = f1data.labels(T, a.task, "train")
    nodes = torch.from_numpy(S["driverId"].to_numpy())
    times = torch.from_numpy(np.array(to_unix_time(S["date"].astype("datetime64[ns]"))))
    typ, fan = "drivers", [128, 64]
else:
    g = np.random.default_rng(0)
    n_facts, M = a.facts, a.entities
    ent = torch.from_numpy(g.integers(0, M, n_facts))
    tim = torch.from_numpy(np.sort(g.integers(0, 10 * 365 * 86400, n_facts)))
    data = HeteroData()
    data["ent"].num_nodes = M
    data["fact"].num_nodes = n_facts
    data["fact"].time = tim
    data["ent", "r", "fact"].edge_index = torch.stack([ent, torch.arange(n_facts)])
    data["fact", "f", "ent"].edge_index = torch.stack([torch.arange(n_facts), ent])
    k = a.batch * a.batches
    nodes = torch.from_numpy(g.integers(0, M, k))
    times = torch.from_numpy(g.integers(5 * 365 * 86400, 10 * 365 * 86400, k))
    typ, fan = "ent", [128]
if a.fan:
    fan = [int(x) for x in a.fan.split(",")]
t_gen = time.perf_counter() - t0
t0 = time.perf_counter()
smp = NeighborSampler(data, num_neighbors=fan, time_attr="time", temporal_strategy=a.strategy)
t_idx = time.perf_counter() - t0
rows = []
for rep in range(a.reps + 1):
    perm = torch.randperm(len(nodes))
    n = e = 0
    t0 = time.perf_counter()
    for s in range(0, len(perm), a.batch):
        i = perm[s:s + a.batch]
        o = smp.sample_from_nodes(NodeSamplerInput(input_id=i, node=nodes[i], time=times[i],
                                                   input_type=typ))
        n += sum(v.numel() for v in o.node.values())
        e += sum(v.numel() for v in o.row.values())
    dt = time.perf_counter() - t0
    if rep:
        rows.append((e / dt / 1e6, len(perm) / dt, n, e))
rows = np.array(rows)
F.add("sampler/" + a.what, "M edges/s", rows[:, 0], fan=fan, strategy=a.strategy, seeds=len(nodes),
      seeds_per_s=float(np.median(rows[:, 1])), nodes=float(rows[-1, 2]), edges=float(rows[-1, 3]),
      generate_s=t_gen, index_s=t_idx,
      peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
F.write()
