"""sentence-transformers on the CPU. Speaks bench/encode/protocol.ts on stdin and stdout."""

import base64
import json
import resource
import sys
import time
from importlib.metadata import version

opened = time.perf_counter()
options = json.loads(sys.stdin.readline())["options"]

import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(int(options.get("threads", 2)))
model = SentenceTransformer(
    options["model"], device="cpu", model_kwargs={"dtype": getattr(torch, options["dtype"]), "attn_implementation": "sdpa"}
)


def reply(message):
    print("@bench " + json.dumps(message), flush=True)


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def encode(texts, return_vectors):
    cpu, start = time.process_time(), time.perf_counter()
    vectors = model.encode(
        texts, prompt="", batch_size=int(options.get("batch", 32)), normalize_embeddings=True, show_progress_bar=False
    )
    seconds = time.perf_counter() - start
    return {
        "ms": seconds * 1e3,
        "cpuMs": (time.process_time() - cpu) * 1e3,
        "loopDelayMs": None,
        "submitMs": None,
        "peakBytes": peak_bytes(),
        "vectors": [base64.b64encode(v.astype("<f4").tobytes()).decode() for v in vectors] if return_vectors else None,
    }


names = ["sentence-transformers", "transformers", "torch"]
about = {name: version(name) for name in names} | {"dtype": options["dtype"], "batch": options.get("batch", "32")}
reply(
    {
        "about": about,
        "loadMs": (time.perf_counter() - opened) * 1e3,
        "residentBytes": resident_bytes(),
        "peakBytes": peak_bytes(),
    }
)
for line in sys.stdin:
    request = json.loads(line)
    if request["kind"] == "close":
        break
    if request["kind"] == "count":
        reply({"tokens": [len(model.tokenizer(text)["input_ids"]) for text in request["texts"]]})
    else:
        reply(encode(request["texts"], request["returnVectors"]))
