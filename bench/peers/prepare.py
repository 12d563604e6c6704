#!/usr/bin/env python3
"""Text vectorization beside Keras and CSV beside pandas' C parser, by turns in one run.

    meson setup build && ninja -C build bench/peers/fovea_prepare
    PYTHON bench/peers/prepare.py build/bench/peers/fovea_prepare [--rounds 7]

PYTHON has keras with TensorFlow, and pandas; one that is missing is left out. Texts are the definitions of WordNet; the table is
drawn from a seed. Both sides must agree on what they read, or the run fails.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

import numpy as np

WORDNET = "/usr/share/wordnet/data.noun"


class Fovea:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        seconds, checksum = self.process.stdout.readline().split()
        return float(seconds), int(checksum)


def timed(work):
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, int(result)


def by_turns(name, ours, theirs, rounds, wanted):
    mine, peers = [], []
    for _ in range(rounds):
        a, ours_read = ours()
        b, theirs_read = theirs()
        assert ours_read == theirs_read, f"{name}: {ours_read} is not {theirs_read}"
        mine.append(a)
        peers.append(b)
    ours, theirs = statistics.median(mine), statistics.median(peers)
    print(f"{name}: fovea {ours * 1e3:.1f} ms, peer {theirs * 1e3:.1f} ms, {theirs / ours:.2f} times as fast (wanted: {wanted})")


def texts(fovea, folder, rounds):
    import keras

    with open(WORDNET) as file:
        lines = [line.split("|", 1)[1].strip() for line in file if "|" in line]
    path = os.path.join(folder, "texts.txt")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    layer = keras.layers.TextVectorization(max_tokens=20000, output_sequence_length=64)

    def adapt():
        layer.adapt(lines)
        return layer.vocabulary_size()

    fovea("texts " + path)
    by_turns("text, adapt", lambda: fovea("adapt"), lambda: timed(adapt), rounds, 3)
    by_turns("text, call", lambda: fovea("call"), lambda: timed(lambda: np.asarray(layer(lines)).sum()), rounds, 3)


def table(fovea, folder, rounds):
    import pandas

    draw = np.random.default_rng(1)
    kinds = ["blue", "green", "red", "two, words"]
    rows = 200000
    tables = {
        "all digits": {f"x{i}": draw.normal(size=rows) * 10.0 ** (i - 4) for i in range(8)},
        "six digits": {f"x{i}": np.round(draw.normal(size=rows), 5) for i in range(8)},
        "whole numbers": {f"x{i}": draw.integers(0, 10**5, rows) for i in range(8)},
    }
    for name, columns in tables.items():
        path = os.path.join(folder, "table.csv")
        columns["kind"] = draw.choice(kinds, rows)
        pandas.DataFrame(columns).to_csv(path, index=False)

        def read():
            frame = pandas.read_csv(path, engine="c", dtype={"kind": "category"})
            return frame["kind"].cat.codes.astype("int64").sum() + len(frame.columns) - 1

        by_turns(f"CSV, {name}, {os.path.getsize(path) / 1e6:.0f} MB", lambda: fovea("csv " + path), lambda: timed(read), rounds, 1)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--threads", type=int, default=1)
    arguments = arguments.parse_args()
    fovea = Fovea(arguments.program)
    fovea(f"threads {arguments.threads}")
    with tempfile.TemporaryDirectory() as folder:
        for work in (table, texts):
            try:
                work(fovea, folder, arguments.rounds)
            except ImportError as missing:
                print(f"left out: {missing}")


if __name__ == "__main__":
    main()
