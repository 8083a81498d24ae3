"""Matrix products, row gather and scatter of PyTorch on CPU.

    python kernels.py --threads 2 --reps 40 --out kernels.json
"""
import argparse
import torch
from figures import Figures, seconds

ap = argparse.ArgumentParser()
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--reps", type=int, default=40)
ap.add_argument("--only", default="", help="regular expression on the names")
ap.add_argument("--out")
a = ap.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(0)
F = Figures(a)
N, E, C = 20000, 200000, 128

with torch.no_grad():
    for m, k, n in ((20000, 128, 128), (2000, 512, 128)):
        x, w, y = torch.randn(m, k), torch.randn(k, n), torch.randn(m, n)
        ox, ow, oy = torch.empty(m, k), torch.empty(k, n), torch.empty(m, n)
        # the forward product, the gradient of its input, that of its weights
        for form, f in (("NN", lambda: torch.mm(x, w, out=oy)),
                        ("NT", lambda: torch.mm(y, w.t(), out=ox)),
                        ("TN", lambda: torch.mm(x.t(), y, out=ow))):
            case = f"gemm/{form}/{m}x{k}x{n}"
            if F.wanted(case):
                F.add(case, "GFLOP/s", 2e-9 * m * k * n / seconds(f, a.reps))
    src = torch.randn(N, C)
    idx, dst = torch.randint(0, N, (E,)), torch.randint(0, N, (E,))
    buf, acc = torch.randn(E, C), torch.zeros(N, C)
    wide = dst.view(-1, 1).expand(E, C)
    gb = E * C * 4e-9
    if F.wanted("gather/index_select"):
        out = torch.empty(E, C)
        F.add("gather/index_select", "GB/s",
              2 * gb / seconds(lambda: torch.index_select(src, 0, idx, out=out), a.reps))
    if F.wanted("gather/scatter_add"):
        s = seconds(lambda: acc.zero_().scatter_add_(0, wide, buf), a.reps)
        i = seconds(lambda: acc.zero_().index_add_(0, dst, buf), a.reps)
        best = min(s, i, key=lambda t: sorted(t)[len(t) // 2])      # the faster of the two
        F.add("gather/scatter_add", "GB/s", 3 * gb / best)
    if F.wanted("gather/reduce_mean"):
        # messages, sums and counts, as a layer without a fused kernel does it
        one = torch.ones(E, 1)

        def mean():
            msg = src.index_select(0, idx)
            cnt = torch.zeros(N, 1).index_add_(0, dst, one).clamp_(min=1)
            return torch.zeros(N, C).scatter_add_(0, wide, msg).div_(cnt)
        F.add("gather/reduce_mean", "GB/s", (E + N) * C * 4e-9 / seconds(mean, a.reps))
F.write()
