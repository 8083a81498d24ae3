"""Figures as JSON, under the names that rowlink bench gives the same work."""
import json
import os
import re
import time
import numpy as np


class Figures:
    def __init__(self, args):
        self.args, self.figures, self.detail = args, [], {}
        self.only = re.compile(getattr(args, "only", "") or "")
        self.load = os.getloadavg()[0]

    def wanted(self, case):
        return bool(self.only.search(case))

    def add(self, case, unit, samples, **detail):
        m = float(np.median(samples))
        self.figures.append({"case": case, "unit": unit, "threads": self.args.threads,
                             "median": m, "samples": [float(s) for s in samples], "detail": detail})
        print(f"{case:28s} {m:10.3f} {unit} (threads {self.args.threads})", flush=True)

    def write(self):
        if not self.args.out:
            return
        with open(self.args.out, "w") as f:
            json.dump({"versions": versions(), "load": self.load, "figures": self.figures}, f, indent=1)


def versions():
    from importlib.metadata import PackageNotFoundError, version
    out = {}
    for p in ("torch", "torch-geometric", "pytorch-frame", "relbench", "lightgbm", "numpy"):
        try:
            out[p] = version(p)
        except PackageNotFoundError:
            pass
    import platform
    out["python"] = platform.python_version()
    out["pyg-lib"] = pyg_lib_version()
    return out


def pyg_lib_version():
    """Version of pyg-lib if its library loads, else an empty text."""
    import warnings
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            import pyg_lib
        return pyg_lib.__version__
    except Exception:                                    # noqa: BLE001
        return ""


def seconds(f, reps, warm=3):
    """Wall time of each of reps calls, after some that are not counted."""
    for _ in range(warm):
        f()
    out = []
    for _ in range(reps):
        t = time.perf_counter()
        f()
        out.append(time.perf_counter() - t)
    return np.array(out)
