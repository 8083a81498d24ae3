"""Reference GNN recipe on rel-f1 (ResNet tabular encoder, temporal encoder,
2-layer hetero GraphSAGE), measured phase by phase on CPU.

    python gnn.py DATA --task driver-position --epochs 10 --seeds 0,1,2 --threads 2
    python gnn.py DATA --epochs 1 --max-batches 4 --no-eval --out epoch.json   # timing only
"""
import argparse
import copy
import hashlib
import json
import os
import resource
import sys
import time

t_import = time.time()
import numpy as np
import pandas as pd
import torch
import torch_geometric
from sklearn.metrics import mean_absolute_error, roc_auc_score
from torch_frame import stype
from torch_frame.config.text_embedder import TextEmbedderConfig
from torch_geometric.loader import NeighborLoader
from torch_geometric.nn import MLP
from torch_geometric.seed import seed_everything
from relbench.modeling.graph import make_pkey_fkey_graph
from relbench.modeling.nn import HeteroEncoder, HeteroGraphSAGE, HeteroTemporalEncoder
from relbench.modeling.utils import get_stype_proposal, to_unix_time
t_import = time.time() - t_import
import f1data
import fallback
from figures import Figures, pyg_lib_version

RSS_IMPORT = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


class HashEmbedder:
    """Mean of fixed random token vectors (stands in for GloVe, 300 dims)."""
    def __init__(self, dim=300):
        self.dim, self.seen = dim, {}

    def vec(self, tok):
        if tok not in self.seen:
            h = int.from_bytes(hashlib.sha256(tok.encode()).digest()[:8], "little")
            self.seen[tok] = np.random.default_rng(h).standard_normal(self.dim) * 0.4
        return self.seen[tok]

    def __call__(self, texts):
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for i, t in enumerate(texts):
            toks = str(t).lower().split() or [""]
            out[i] = np.mean([self.vec(k) for k in toks], axis=0)
        return torch.from_numpy(out)


class Net(torch.nn.Module):
    def __init__(self, data, stats, channels, layers):
        super().__init__()
        self.enc = HeteroEncoder(channels, {n: data[n].tf.col_names_dict for n in data.node_types},
                                 stats)
        self.tenc = HeteroTemporalEncoder([n for n in data.node_types if "time" in data[n]],
                                          channels)
        self.gnn = HeteroGraphSAGE(data.node_types, data.edge_types, channels, "sum", layers)
        self.head = MLP(channels, out_channels=1, norm="batch_norm", num_layers=1)
        for m in (self.enc, self.tenc, self.gnn, self.head):
            m.reset_parameters()

    def forward(self, batch, entity):
        seed_time = batch[entity].seed_time
        x = self.enc(batch.tf_dict)
        for k, v in self.tenc(seed_time, batch.time_dict, batch.batch_dict).items():
            x[k] = x[k] + v
        x = self.gnn(x, batch.edge_index_dict)
        return self.head(x[entity][: seed_time.size(0)]).view(-1)


def build(folder):
    tables = f1data.load(folder)
    db = f1data.database(f1data.cut(tables, f1data.TEST))
    np.random.seed(0)
    st = get_stype_proposal(db)
    cfg = TextEmbedderConfig(text_embedder=HashEmbedder(), batch_size=256)
    data, stats = make_pkey_fkey_graph(db, st, text_embedder_cfg=cfg)
    return tables, data, stats


class Timed:
    """Adds up the wall time spent in the sampler and in feature slicing."""
    def __init__(self, loader):
        self.sample = self.slice = 0.0
        self.nodes = self.edges = 0
        s, f = loader.node_sampler.sample_from_nodes, loader.filter_fn

        def sample(*a, **k):
            t = time.perf_counter()
            o = s(*a, **k)
            self.sample += time.perf_counter() - t
            self.nodes += sum(v.numel() for v in o.node.values())
            self.edges += sum(v.numel() for v in o.row.values())
            return o

        def filt(o):
            t = time.perf_counter()
            b = f(o)
            self.slice += time.perf_counter() - t
            return b
        loader.node_sampler.sample_from_nodes = sample
        loader.filter_fn = filt

    def reset(self):
        self.sample = self.slice = 0.0
        self.nodes = self.edges = 0


class Counted:
    """The same for the fallback, whose time does not count at all."""
    sample = slice = 0.0

    def __init__(self, loader):
        self.loader = loader

    nodes = property(lambda self: self.loader.node_count)
    edges = property(lambda self: self.loader.edge_count)

    def reset(self):
        self.loader.node_count = self.loader.edge_count = 0


NATIVE = bool(pyg_lib_version())


def loader_for(data, df, target, batch, fan, shuffle):
    y = torch.from_numpy(df[target].to_numpy(dtype=np.float32))
    nodes = torch.from_numpy(df["driverId"].to_numpy())
    times = torch.from_numpy(np.array(to_unix_time(df["date"].astype("datetime64[ns]"))))

    def attach(b):
        b["drivers"].y = y[b["drivers"].input_id]
        return b
    if not NATIVE:
        ld = fallback.Loader(data, fan, nodes.numpy(), times.numpy(), batch, shuffle, attach)
        return ld, Counted(ld)
    ld = NeighborLoader(data, num_neighbors=fan, time_attr="time", input_nodes=("drivers", nodes),
                        input_time=times, transform=attach, batch_size=batch,
                        temporal_strategy="uniform", shuffle=shuffle)
    return ld, Timed(ld)


@torch.no_grad()
def predict(net, ld):
    """Predictions, and the seconds that count."""
    net.eval()
    out, spent, t = [], 0.0, time.perf_counter()
    for b in ld:
        if not NATIVE:
            t = time.perf_counter()
        out.append(net(b, "drivers"))
        spent += time.perf_counter() - t
        t = time.perf_counter()
    return torch.cat(out).numpy(), spent


def run(args):
    torch.set_num_threads(args.threads)
    t0 = time.time()
    tables, data, stats = build(args.data)
    t_build = time.time() - t0
    _, _, kind, target = f1data.TASKS[args.task]
    dfs = {s: f1data.labels(tables, args.task, s) for s in ("train", "val", "test")}
    fan = [args.fan // 2 ** i for i in range(args.layers)]
    loss_fn = torch.nn.L1Loss() if kind == "reg" else torch.nn.BCEWithLogitsLoss()
    lo, hi = np.percentile(dfs["train"][target], [2, 98])
    F = Figures(args)
    out = {"task": args.task, "threads": args.threads, "import_s": t_import, "build_s": t_build,
           "sampler": "pyg-lib" if NATIVE else "numpy, its time not counted", "runs": []}

    def score(p, s):
        y = dfs[s][target].to_numpy()
        return (mean_absolute_error(y, np.clip(p, lo, hi)) if kind == "reg"
                else roc_auc_score(y, p))

    for seed in args.seeds:
        seed_everything(seed)
        L = {s: loader_for(data, dfs[s], target, args.batch, fan, s == "train") for s in dfs}
        net = Net(data, stats, args.channels, args.layers)
        opt = torch.optim.Adam(net.parameters(), lr=args.lr)
        best, state, eps = None, None, []
        for ep in range(args.epochs):
            net.train()
            ld, tm = L["train"]
            tm.reset()
            fwd = bwd = load = 0.0
            ta = time.perf_counter()
            it = iter(ld)
            tot = n = 0.0
            steps = seeds = 0
            took = []                            # seconds per seed of each step
            while True:
                t = time.perf_counter()
                b = next(it, None)
                load += time.perf_counter() - t
                if b is None:
                    break
                t = time.perf_counter()
                opt.zero_grad()
                loss = loss_fn(net(b, "drivers"), b["drivers"].y)
                fwd += time.perf_counter() - t
                t = time.perf_counter()
                loss.backward()
                opt.step()
                bwd += time.perf_counter() - t
                seeds = b["drivers"].y.numel()
                tot += loss.item() * seeds
                n += seeds
                steps += 1
                now = fwd + bwd + (load if NATIVE else 0)
                took.append((now - sum(x for x, _ in took), seeds))
                if args.verbose:
                    print("  step", steps, round(time.perf_counter() - ta, 2), tm.nodes, tm.edges,
                          round(fwd, 2), round(bwd, 2), flush=True)
                if steps == args.max_batches:
                    break
            spent = fwd + bwd + (load if NATIVE else 0)
            e = {"epoch_s": spent, "wall_s": time.perf_counter() - ta, "sample_s": tm.sample, "slice_s": tm.slice,
                 "other_load_s": load - tm.sample - tm.slice if NATIVE else 0.0, "forward_s": fwd,
                 "backward_s": bwd, "loss": tot / n, "steps": steps, "nodes": tm.nodes, "edges": tm.edges}
            if args.max_batches:                 # the first step is warm-up; scale the others by seeds
                rest = took[1:] or took
                e["epoch_s"] = sum(x for x, _ in rest) / sum(k for _, k in rest) * len(dfs["train"])
            if not args.no_eval:
                v = score(predict(net, L["val"][0])[0], "val")
                e["val"] = v
                if best is None or (v <= best if kind == "reg" else v >= best):
                    best, state = v, copy.deepcopy(net.state_dict())
            eps.append(e)
            print(args.task, seed, ep + 1, json.dumps({k: round(x, 4) for k, x in e.items()}),
                  flush=True)
        r = {"seed": seed, "epochs": eps, "val": best}
        if state is not None:
            net.load_state_dict(state)
        inf = []
        for _ in range(args.inf_reps):
            L["test"][1].reset()
            p, t = predict(net, L["test"][0])
            inf.append((t, L["test"][1].sample, L["test"][1].slice))
        if inf:
            r["test"] = score(p, "test")
            r["infer_s"] = float(np.median([x[0] for x in inf]))
            r["infer_sample_s"] = float(np.median([x[1] for x in inf]))
            r["infer_seeds_per_s"] = len(dfs["test"]) / r["infer_s"]
        tail = eps[1:] or eps
        r["median"] = {k: float(np.median([e[k] for e in tail])) for k in
                       ("epoch_s", "sample_s", "slice_s", "other_load_s", "forward_s", "backward_s")}
        out["runs"].append(r)
        print("RESULT", args.task, seed, "val", best, "test", r.get("test"), r["median"],
              "infer seeds/s", r.get("infer_seeds_per_s"), flush=True)
        if args.save and seed == args.seeds[0]:
            torch.save(net.state_dict(), args.save)
    out["params"] = sum(p.numel() for p in net.parameters())
    out["after_import_mb"] = RSS_IMPORT
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    epochs = out["runs"][0]["epochs"]
    full = not args.max_batches
    F.add(f"epoch/{args.task}", "s", [e["epoch_s"] for r in out["runs"] for e in (r["epochs"][1:] or r["epochs"])],
          losses=[[e["loss"] for e in r["epochs"]] for r in out["runs"]] if full else None,
          vals=[[e["val"] for e in r["epochs"]] for r in out["runs"]] if "val" in epochs[0] else None,
          seeds=len(dfs["train"]), whole_epochs=full, parameters=out["params"], **{
              k: out[k] for k in ("sampler", "import_s", "build_s", "runs")})
    F.add(f"memory/{args.task}", "MB", [peak], after_import_mb=RSS_IMPORT)
    if "infer_seeds_per_s" in out["runs"][0]:
        F.add("score/rel-f1", "seeds/s", [r["infer_seeds_per_s"] for r in out["runs"]])
    F.write()


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("data")
    ap.add_argument("--task", default="driver-position")
    ap.add_argument("--epochs", type=int, default=10)
    ap.add_argument("--seeds", type=lambda s: [int(x) for x in s.split(",")], default=[0])
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--batch", type=int, default=512)
    ap.add_argument("--fan", type=int, default=128)
    ap.add_argument("--layers", type=int, default=2)
    ap.add_argument("--channels", type=int, default=128)
    ap.add_argument("--lr", type=float, default=0.005)
    ap.add_argument("--inf-reps", type=int, default=3)
    ap.add_argument("--max-batches", type=int, default=0,
                    help="cut an epoch short; the first batch is warm-up, the rest is scaled to all seeds")
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("--no-eval", action="store_true")
    ap.add_argument("--save")
    ap.add_argument("--out")
    run(ap.parse_args())
