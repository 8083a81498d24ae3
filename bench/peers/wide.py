"""LightGBM on the as-of features that `rowlink features TASK --out x.parquet` writes.

    python wide.py x.parquet [x.parquet ...]

Three shapes of trees, each stopped early on validation by the task's metric (mean absolute
error of values, AUROC of conditions); the best on validation is scored on test. Prints one
JSON line per file.
"""

import json
import sys
import time
import warnings

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error, roc_auc_score

warnings.filterwarnings("ignore")
SHAPES = [dict(num_leaves=4), dict(num_leaves=15), dict(num_leaves=31)]
COMMON = dict(learning_rate=0.05, min_data_in_leaf=30, lambda_l2=5, bagging_fraction=0.7, bagging_freq=1,
              feature_fraction=0.3, verbosity=-1, num_threads=2, seed=1, deterministic=True)


def fit(path):
    start = time.time()
    data = pd.read_parquet(path)
    at = list(data.columns).index("label") + 1
    y, split = data["label"].to_numpy(), data["split"].to_numpy()
    x = data.iloc[:, at:].to_numpy(dtype=np.float64)
    binary = set(np.unique(y)) <= {0.0, 1.0}
    objective = dict(objective="binary", metric="auc") if binary else dict(objective="l1", metric="l1")
    score = roc_auc_score if binary else mean_absolute_error
    rows = {s: split == s for s in ("train", "val", "test")}
    train = lgb.Dataset(x[rows["train"]], y[rows["train"]], free_raw_data=False)
    val = lgb.Dataset(x[rows["val"]], y[rows["val"]], reference=train, free_raw_data=False)
    best = None
    for shape in SHAPES:
        model = lgb.train({**COMMON, **objective, **shape}, train, 600, valid_sets=[val],
                          callbacks=[lgb.early_stopping(40, verbose=False)])
        v = score(y[rows["val"]], model.predict(x[rows["val"]]))
        if best is None or (v > best[0]) == binary and v != best[0]:
            best = (v, model, shape)
    test = score(y[rows["test"]], best[1].predict(x[rows["test"]]))
    print(json.dumps(dict(file=path.rsplit("/", 1)[-1], metric="roc_auc" if binary else "mae", features=x.shape[1],
                          examples=[int(r.sum()) for r in rows.values()], val=best[0], test=test,
                          leaves=best[2]["num_leaves"], rounds=best[1].best_iteration, seconds=round(time.time() - start, 1))), flush=True)


for name in sys.argv[1:]:
    fit(name)
