"""What is measured: each work's numbers, written once as .npz and read by every contestant."""

import dataclasses
import subprocess
import tempfile
import zlib

import numpy as np

CLASSES = 10


@dataclasses.dataclass(frozen=True)
class Work:
    name: str
    kind: str
    batch: int = 0
    time: int = 0
    vocab: int = 0
    zipf: bool = True

    @property
    def checked(self):
        """How many losses are compared: steps of training; a kernel gives the same each time. Fewer where a step takes long, and of the
        multilayer perceptron, where differences of rounding grow tenfold in 40 steps, whichever two contestants are compared."""
        if self.kind in ("softmax", "layer_norm", "cross_entropy", "adds", "gru", "lstm", "additive", "dot"):
            return 3
        if self.kind == "mlp":
            return 50
        return 20 if self.kind in ("adam", "mha") or self.vocab >= 1_000_000 else 200

    @property
    def crowd(self):
        """How many contestants fit into memory beside ours; more take turns in groups."""
        return 3 if self.vocab >= 1_000_000 else 100

    def write(self, path, batches, build):
        """With that many different batches, for what has batches; real text comes from a program of ours."""
        random = np.random.default_rng(zlib.crc32(self.name.encode()))
        if self.kind == "epoch":
            arrays = wordnet(self, random, build)
        elif self.kind in ("gru", "lstm"):
            arrays = recurrent(self, random)
        elif self.kind == "dot":
            arrays = dot(self, random)
        elif self.kind == "additive":
            arrays = additive(self, random)
        elif self.batch:
            arrays = {"mlp": mlp}.get(self.kind, documented)(self, random, batches) | {"batch": np.array([self.batch], np.int32)}
        else:
            arrays = kernel(self, random)
        np.savez(path, **arrays)


def step(batch, time, vocab, zipf):
    return Work(f"step B={batch} T={time} V={vocab} {'zipf' if zipf else 'uniform'}", "step", batch, time, vocab, zipf)


WORKS = [
    *(step(*sizes, zipf)
      for zipf in (True, False)
      for sizes in ((32, 100, 10_000), (32, 32, 10_000), (256, 100, 10_000), (32, 100, 100_000), (32, 100, 1_000_000))),
    Work("epoch wordnet", "epoch", 32, 32, 10_000),
    Work("fit B=32 T=100 V=10000 zipf", "fit", 32, 100, 10_000),
    Work("fit B=32 T=32 V=10000 zipf", "fit", 32, 32, 10_000),
    Work("mlp 784-256-128-10 B=128", "mlp", 128),
    Work("mha with weights B=8 T=256", "mha"),
    *(Work(f"dot B={batch} T={time} {pattern}", "dot", batch, time)
      for batch, time in ((1, 512), (1, 2048), (1, 8192), (8, 128))
      for pattern in ("full", "causal")),
    Work("dot B=1 T=16384 window 512", "dot", 1, 16384),
    Work("additive B=32 T=100", "additive", 32, 100),
    Work("additive B=8 T=512", "additive", 8, 512),
    Work("softmax 4096x1024", "softmax"),
    Work("layer_norm 4096x1024", "layer_norm"),
    Work("cross_entropy 4096x1024", "cross_entropy"),
    Work("adam 10M", "adam"),
    Work("adds 1000 of 16", "adds"),
    Work("gru 128 B=32 T=100", "gru", 32, 100),
    Work("lstm 128 B=32 T=100", "lstm", 32, 100),
]


def uniform(random, limit, *shape):
    return random.uniform(-limit, limit, shape).astype(np.float32)


def glorot(random, inputs, outputs):
    return uniform(random, np.sqrt(6 / (inputs + outputs)), inputs, outputs)


def tokens(random, work, batches):
    """Uniform, or by Zipf's law: the probability of rank r is proportional to 1 / r, by inverting the integral of 1 / x."""
    u = random.random((batches * work.batch, work.time))
    ids = (work.vocab + 1.0) ** u - 1 if work.zipf else u * work.vocab
    return np.minimum(ids, work.vocab - 1).astype(np.int32)


def labels(random, work, batches):
    return random.integers(0, CLASSES, batches * work.batch, dtype=np.int32)


def documented(work, random, batches, features=128, units=64):
    return {
        "embedding/embeddings": uniform(random, 0.05, work.vocab, features),
        "attention_layer/W1/kernel": glorot(random, features, units),
        "attention_layer/W1/bias": uniform(random, 0.05, units),
        "attention_layer/W2/kernel": glorot(random, features, units),
        "attention_layer/W2/bias": uniform(random, 0.05, units),
        "attention_layer/V/kernel": glorot(random, units, 1),
        "attention_layer/V/bias": np.zeros(1, np.float32),
        "dense/kernel": glorot(random, features, CLASSES),
        "dense/bias": np.zeros(CLASSES, np.float32),
        "x": tokens(random, work, batches),
        "y": labels(random, work, batches),
    }


def wordnet(work, random, build):
    """The documented model, and the training data of the example documented_loop: id 0 is padding and masked."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([build / "bench/peers/wordnet_arrays", folder], check=True)
        text = {name: np.load(f"{folder}/{name}.npy") for name in ("x", "y")}
    return documented(work, random, 1) | text | {"batch": np.array([work.batch], np.int32)}


def mlp(work, random, batches, sizes=(784, 256, 128, CLASSES)):
    arrays = {}
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        name = f"dense_{i}" if i else "dense"
        arrays[f"{name}/kernel"] = glorot(random, inputs, outputs)
        arrays[f"{name}/bias"] = np.zeros(outputs, np.float32)
    return arrays | {"x": random.random((batches * work.batch, sizes[0]), np.float32), "y": labels(random, work, batches)}


def heads(random, batch=8, time=256, features=512):
    """Self-attention of 8 heads, each 64 wide, and a gradient of its output."""
    arrays = {name: random.standard_normal((batch, time, features), np.float32) for name in ("x", "dy")}
    for name in ("query", "key", "value", "attention_output"):
        arrays |= {f"{name}/kernel": glorot(random, features, features), f"{name}/bias": uniform(random, 0.05, features)}
    return arrays


def dot(work, random, heads=8, width=64):
    """Attention of heads by dot products; a window of 0 is none."""
    arrays = {name: random.standard_normal((work.batch, heads, work.time, width), np.float32) for name in ("q", "k", "v", "dy")}
    window = int(work.name.split()[-1]) if " window " in work.name else 0
    return arrays | {"causal": np.array([work.name.endswith("causal")], np.int32), "window": np.array([window], np.int32)}


def additive(work, random, features=128, units=64):
    """Additive attention of each position against all."""
    return {
        "x": random.standard_normal((work.batch, work.time, features), np.float32),
        "W1": glorot(random, features, units),
        "W2": glorot(random, features, units),
        "v": uniform(random, 0.5, units),
        "dy": random.standard_normal((work.batch, work.time, features), np.float32),
    }


def kernel(work, random, rows=4096, width=1024):
    if work.kind == "mha":
        return heads(random)
    if work.kind == "adds":
        return {"start": uniform(random, 1, 16), "step": uniform(random, 1, 16)}
    if work.kind == "adam":
        return {"p": np.zeros(10_000_000, np.float32), "g": uniform(random, 1e-3, 10_000_000)}
    arrays = {"x": random.standard_normal((rows, width), np.float32)}
    if work.kind == "cross_entropy":
        return arrays | {"y": random.integers(0, width, rows, dtype=np.int32)}
    arrays["dy"] = random.standard_normal((rows, width), np.float32)
    if work.kind == "layer_norm":
        arrays |= {"gamma": 1 + uniform(random, 0.1, width), "beta": uniform(random, 0.1, width)}
    return arrays


def recurrent(work, random, width=128):
    """Keras' weights of a layer of as many units as x has features, and the gradient of all its outputs."""
    gates = {"gru": 3, "lstm": 4}[work.kind] * width
    return {
        "kernel": glorot(random, width, gates),
        "recurrent_kernel": glorot(random, width, gates),
        "bias": uniform(random, 0.1, *((2, gates) if work.kind == "gru" else (gates,))),
        "x": random.standard_normal((work.batch, work.time, width), np.float32),
        "dy": random.standard_normal((work.batch, work.time, width), np.float32),
    }
