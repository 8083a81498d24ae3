"""Asks a rowlink server by the public client of the Open Inference Protocol, and compares with POST /v1.

    pip install "tritonclient[http]" numpy
    python oip_client.py 127.0.0.1:8080 churn 10001 10050      (task with one integer key; first and last key)
"""
import json
import sys
import urllib.request

import numpy as np
import tritonclient.http as client
from tritonclient.utils import InferenceServerException

address, task, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
keys = np.arange(first, last + 1, dtype=np.int64)
c = client.InferenceServerClient(address)
assert c.is_server_live() and c.is_server_ready() and c.is_model_ready(task)
meta = c.get_server_metadata()
model = c.get_model_metadata(task)
print("server", meta["name"], meta["version"], meta["extensions"], "model versions", model["versions"])
print("inputs", [(t["name"], t["datatype"]) for t in model["inputs"]], "outputs", [(t["name"], t["datatype"]) for t in model["outputs"]])
print("index", c.get_model_repository_index())

request = urllib.request.Request(f"http://{address}/v1/tasks/{task}/predict", json.dumps({"entities": keys.tolist()}).encode(),
                                 {"Content-Type": "application/json"})
native = json.load(urllib.request.urlopen(request))
want = {p["index"]: p for p in native["predictions"]}
keys = keys[[i for i in range(len(keys)) if i in want]]
rows = [want[i] for i in sorted(want)]
value = "probability" if "probability" in rows[0] else "prediction"

compared = 0
for version in ["", model["versions"][-1]]:
    for binary in [True, False]:
        for wide in [True, False]:
            if wide:
                entity = client.InferInput("entity", [len(keys)], "INT64")
                entity.set_data_from_numpy(keys, binary_data=binary)
            else:
                entity = client.InferInput("entity", [len(keys)], "BYTES")
                entity.set_data_from_numpy(np.array([str(k).encode() for k in keys], dtype=object), binary_data=binary)
            outputs = None if wide else [client.InferRequestedOutput(value, binary_data=binary), client.InferRequestedOutput("eligible", binary_data=binary)]
            r = c.infer(task, [entity], outputs=outputs, request_id="r-1", model_version=version)
            assert r.get_response()["id"] == "r-1"
            got = r.as_numpy(value)
            assert got.dtype == np.float64 and got.tolist() == [p[value] for p in rows], "predictions differ"
            assert r.as_numpy("eligible").tolist() == [p["eligible"] for p in rows]
            compared += len(keys)
print(compared, "predictions equal those of /v1 to the last bit")

for what, call in {
    "unknown model": lambda: c.infer("no_such_task", [entity]),
    "unknown key": lambda: c.infer(task, [client.InferInput("entity", [1], "INT64").set_data_from_numpy(np.array([-1], dtype=np.int64))]),
    "unknown output": lambda: c.infer(task, [entity], outputs=[client.InferRequestedOutput("odds")]),
    "half precision": lambda: c.infer(task, [client.InferInput("entity", [1], "FP16").set_data_from_numpy(np.array([1], dtype=np.float16))]),
}.items():
    try:
        call()
        sys.exit(what + " is answered")
    except InferenceServerException as e:
        print(f"{what}: {e.status()} {e.message()}")
