"""Forward and backward of PyTorch Geometric's layers on CPU.

    python layers.py --threads 2 --reps 15 [--compile] --out layers.json

Run it once as it is and once with MALLOC_MMAP_THRESHOLD_=4294967295
MALLOC_TRIM_THRESHOLD_=4294967295: glibc otherwise returns each large tensor to the
kernel.
"""
import argparse
import time
import torch
from torch_geometric.nn import GATv2Conv, GCNConv, HGTConv, RGCNConv, SAGEConv
from torch_geometric import typing as pt
from figures import Figures, seconds

ap = argparse.ArgumentParser()
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--reps", type=int, default=15)
ap.add_argument("--nodes", type=int, default=20000)
ap.add_argument("--edges", type=int, default=200000)
ap.add_argument("--ch", type=int, default=128)
ap.add_argument("--only", default="", help="regular expression on the names")
ap.add_argument("--compile", action="store_true")
ap.add_argument("--out")
a = ap.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(0)
F = Figures(a)
N, E, C = a.nodes, a.edges, a.ch
x = torch.randn(N, C, requires_grad=True)
ei = torch.randint(0, N, (2, E))
et = torch.randint(0, 8, (E,))
go = torch.randn(N, C)


def layer(case, conv, fwd, grad_in, outs):
    if not F.wanted(case):
        return
    params = list(conv.parameters())

    def step():
        for p in params:
            p.grad = None
        for g in grad_in:
            g.grad = None
        torch.autograd.backward(fwd(conv), outs)
    F.add(case, "ms", 1e3 * seconds(step, a.reps), pyg_lib=pt.WITH_PYG_LIB)


cases = {
    "layer/sage": SAGEConv(C, C, aggr="mean"),
    "layer/gcn": GCNConv(C, C),
    "layer/gatv2": GATv2Conv(C, C // 4, heads=4),
}
for n, c in cases.items():
    layer(n, c, lambda m: [m(x, ei)], [x], [go])
# FastRGCNConv gathers one C x C weight per edge, 13 GB at the default size: left out
layer("layer/rgcn", RGCNConv(C, C, 8), lambda m: [m(x, ei, et)], [x], [go])

h = N // 2
xd = {t: torch.randn(h, C, requires_grad=True) for t in "ab"}
types = [("a", "r0", "a"), ("a", "r1", "b"), ("b", "r2", "a"), ("b", "r3", "b")]
eid = {t: torch.randint(0, h, (2, E // 4)) for t in types}
hgt = HGTConv(C, C, (["a", "b"], types), heads=4)
layer("layer/hgt", hgt, lambda m: (lambda o: [o["a"], o["b"]])(m(xd, eid)),
      list(xd.values()), [torch.randn(h, C), torch.randn(h, C)])

if a.compile:
    for n, c in cases.items():
        t = time.time()
        f = torch.compile(c, dynamic=False)
        f(x, ei).backward(go)
        print(f"{n}: compiled in {time.time() - t:.0f} s")
        layer(n + "/compiled", f, lambda m: [m(x, ei)], [x], [go])
F.write()
