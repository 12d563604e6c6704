"""The process of one contestant at one work. Lines in, lines out:

    losses N    ->  N numbers: the loss of each of N steps from the initial weights; of a kernel, the sum of squares of what it gives
    run K       ->  seconds for K more units, all results there

Before the first line it says "ready" and facts as JSON. In between it waits for the next line and uses no processor.
"""

import argparse
import json
import os
import sys
import time

import numpy as np


class Steps:
    """One unit is one step. `advance(i)` makes step i and gives its loss, or whatever a kernel gives, perhaps not computed yet;
    `wait(result)` waits until it is; `number(result)` is the number to compare."""

    per_unit = 1

    def __init__(self, advance, wait=lambda result: None, number=float):
        self.advance, self.wait, self.number, self.next = advance, wait, number, 0

    def step(self):
        self.next += 1
        return self.advance(self.next - 1)

    def losses(self, count):
        return [self.number(self.step()) for _ in range(count)]

    def run(self, count):
        begin = time.perf_counter()
        for _ in range(count):
            result = self.step()
        self.wait(result)
        return time.perf_counter() - begin


class Epochs:
    """One unit is an epoch: all samples in an order of its own, in batches, of which the last may be smaller. `train(x, y)` makes a
    step and gives its loss and accuracy, `take(positions)` gives samples; a loss is that of one batch, in the order of the file."""

    per_unit = 1

    def __init__(self, train, take, data, wait=lambda result: None, number=lambda result: float(result[0])):
        self.train, self.take, self.wait, self.number = train, take, wait, number
        self.count, self.size, self.random = len(data["y"]), int(data["batch"][0]), np.random.default_rng(1)

    def losses(self, count):
        starts = range(0, count * self.size, self.size)
        return [self.number(self.train(*self.take(np.arange(i, i + self.size)))) for i in starts]

    def run(self, count):
        begin = time.perf_counter()
        for _ in range(count):
            order = self.random.permutation(self.count)
            results = [self.train(*self.take(order[i:i + self.size])) for i in range(0, self.count, self.size)]
            self.wait(results[-1])
            self.mean = sum(self.number(result) for result in results) / len(results)
        return time.perf_counter() - begin


def sum_of_squares(*arrays):
    return sum(float(np.square(np.asarray(array), dtype=np.float64).sum()) for array in arrays)


def batches(data, make):
    """The batches in turn, each as the framework's own: (x, y)."""
    size = int(data["batch"][0])
    return [(make(data["x"][i:i + size]), make(data["y"][i:i + size])) for i in range(0, len(data["y"]), size)]


def weights(data):
    """All that is trained, by name, in the file's order."""
    return {name: array for name, array in data.items() if "/" in name}


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("contestant", "kind", "data"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


def serve(start, options, versions):
    """`start(data)` builds everything anew from the initial weights: Steps, or what has its methods."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a framework prints is no answer
    with np.load(options.data) as archive:
        data = dict(archive)
    work = start(data)
    print("ready", json.dumps({"versions": versions, "per_unit": work.per_unit}), file=answers)
    fresh = True
    for line in sys.stdin:
        command, count = line.split()
        if command == "losses":
            if not fresh:
                work = start(data)
            print(*(f"{loss:.9g}" for loss in work.losses(int(count))), file=answers)
        else:
            print(work.run(int(count)), file=answers)
        fresh = False
