#!/usr/bin/env python3
"""The same work by fovea and its peers, side by side: one process a contestant and work, blocks of time in turn, one Markdown table."""

import argparse
import ctypes.util
import dataclasses
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from works import WORKS

HERE = pathlib.Path(__file__).resolve().parent
TOLERANCE = 1e-3  # of each loss, relative
PAUSE = 0.02  # seconds between two blocks: OpenMP's threads go on spinning for a few milliseconds


@dataclasses.dataclass(frozen=True)
class Contestant:
    name: str
    script: str  # a program of ours, or a script beside this one
    modules: tuple
    kinds: str
    another_algorithm: str = ""  # why its losses need not agree

    def command(self, build):
        return [build / "bench/peers" / self.script] if self.script.startswith("fovea") else [sys.executable, HERE / self.script]

    def missing(self, build):
        if self.script.startswith("fovea"):
            program = self.command(build)[0]
            return "" if program.exists() else f"{program} is not built"
        return ", ".join(f"{module} is not installed" for module in self.modules if not importlib.util.find_spec(module))


DEFAULTS = ("torch", "keras-fit")  # as a framework is without any settings; the others have their best
OPS = "softmax layer_norm cross_entropy"
RECURRENT = "gru lstm"
CONTESTANTS = [  # the first at each work is the one that the others are compared with
    Contestant("fovea", "fovea_step", (), "step mlp"),
    Contestant("fovea", "fovea_kernels", (), f"{OPS} {RECURRENT} adam adds additive dot"),
    Contestant("fovea-fit", "fovea_step", (), "epoch fit"),
    Contestant("fovea-rechosen", "fovea_step", (), "step"),
    Contestant("fovea-loop", "fovea_step", (), "step"),
    Contestant("fovea-lazy", "fovea_step", (), "step", "untouched rows stand still"),
    Contestant("keras-fit", "keras_peer.py", ("keras", "tensorflow"), "epoch fit", "squares each occurrence of an id by itself"),
    Contestant("keras-fit-best", "keras_peer.py", ("keras", "tensorflow"), "epoch fit", "squares each occurrence of an id by itself"),
    Contestant("tf", "keras_peer.py", ("keras", "tensorflow"), f"step mlp {OPS} {RECURRENT} adam adds additive dot"),
    Contestant("tf-xla", "keras_peer.py", ("keras", "tensorflow"), f"epoch step mlp {OPS} {RECURRENT} adam additive dot"),
    Contestant("torch", "torch_peer.py", ("torch",), f"epoch step mlp {OPS} {RECURRENT} adam adds additive dot"),
    Contestant("torch-fused", "torch_peer.py", ("torch",), "epoch step mlp adam"),
    Contestant("torch-compile", "torch_peer.py", ("torch",), f"epoch step mlp {OPS} additive dot"),
    Contestant("torch-sparse", "torch_peer.py", ("torch",), "step", "untouched rows stand still"),
    Contestant("jax", "jax_peer.py", ("jax",), f"epoch step mlp {OPS} {RECURRENT} adam additive dot"),
    Contestant("jax-scan", "jax_peer.py", ("jax",), "epoch"),
    Contestant("mlx", "mlx_peer.py", ("mlx",), f"step mlp {OPS} adam adds"),
    # Layers of attention.
    Contestant("fovea", "fovea_kernels", (), "mha"),
    Contestant("tf", "keras_peer.py", ("keras", "tensorflow"), "mha"),
    Contestant("tf-xla", "keras_peer.py", ("keras", "tensorflow"), "mha"),
    Contestant("torch", "torch_peer.py", ("torch",), "mha"),
    Contestant("torch-compile", "torch_peer.py", ("torch",), "mha"),
]


class Failed(Exception):
    pass


def environment(contestant, options):
    settings = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(options.threads))
    if options.passive:
        settings |= {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}
    allocator = ctypes.util.find_library("tcmalloc_minimal")
    if allocator and contestant.modules and contestant.name not in DEFAULTS:
        settings["LD_PRELOAD"] = allocator
    return os.environ | settings


class Process:
    def __init__(self, contestant, work, data, options):
        self.contestant, self.work = contestant, work
        arguments = {"contestant": contestant.name, "kind": work.kind, "data": data, "threads": options.threads}
        command = [*contestant.command(options.build), *(text for name, value in arguments.items() for text in (f"--{name}", str(value)))]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, text=True, bufsize=1, env=environment(contestant, options), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.log)
        self.facts = json.loads(self.answer().removeprefix("ready"))
        if advice := self.facts.get("advice"):
            note(f"  {contestant.name}: {advice}")
        self.losses, self.seconds, self.count = [], [], 1

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise Failed((self.log.read().strip() or f"exit status {self.process.returncode}").splitlines()[-1])
        return line

    def ask(self, command, count):
        try:
            self.process.stdin.write(f"{command} {count}\n")
        except BrokenPipeError:
            pass  # the answer says why
        return [float(number) for number in self.answer().split()]

    def run(self):
        [seconds] = self.ask("run", self.count)
        return seconds / self.count

    def settle(self, seconds, batches):
        """Sets how much of the work fills a block of some seconds. Ours goes twice through all batches before: its cost depends on how
        long rows have waited; an epoch has all batches. The others go on for a second."""
        begin, made = time.monotonic(), 0
        enough = 0 if self.contestant.modules or self.work.kind == "epoch" else 2 * batches
        while made < 3 or made * self.facts["per_unit"] < enough or time.monotonic() - begin < 1:
            made += self.count
            self.count = max(1, round(seconds / self.run()))

    def end(self):
        self.process.stdin.close()
        self.process.wait()

    def milliseconds(self):
        return 1e3 * np.array(self.seconds) / self.facts["per_unit"]


def disagreement(process, ours, count=None):
    """The largest relative difference of one loss, of the first `count`."""
    a, b = np.array(process.losses[:count]), np.array(ours.losses[:count])
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1e-12)))


def started(contestants, work, data, options):
    """Each in turn: a start may compile on all processors."""
    processes = []
    for contestant in contestants:
        begin = time.monotonic()
        try:
            process = Process(contestant, work, data, options)
            process.losses = process.ask("losses", min(work.checked, options.checked))
            process.settle(options.block, options.batches)
            processes.append(process)
            note(f"  {contestant.name}: ready after {time.monotonic() - begin:.0f} s")
        except Failed as failure:
            note(f"  {contestant.name}: failed: {failure}")
    return processes


def note(text):
    print(text, file=sys.stderr, flush=True)


def measure(work, contestants, options, folder):
    """The table's rows for one work; none where its data are missing."""
    data = folder / "work.npz"
    try:
        work.write(data, options.batches, options.build)
    except (OSError, subprocess.CalledProcessError) as failure:
        note(f"{work.name}: left out: {failure}; it needs examples, built, and Debian's wordnet-base")
        return []
    ours, *others = contestants
    rows = []
    for first in range(0, max(1, len(others)), work.crowd):
        processes = started([ours, *others[first:first + work.crowd]], work, data, options)
        if not processes or processes[0].contestant is not ours:
            raise SystemExit(f"{work.name}: {ours.name} must run: the others are compared with it")
        for _ in range(options.blocks):
            for process in processes:
                time.sleep(PAUSE)
                process.seconds.append(process.run())
        rows += [Row(work, process, processes[0]) for process in processes[min(first, 1):]]
        for process in processes:
            process.end()
    return rows


class Row:
    def __init__(self, work, process, ours):
        milliseconds = process.milliseconds()
        self.contestant, self.versions = process.contestant, process.facts["versions"]
        self.runtime = process.facts.get("runtime")  # what fovea says of itself
        self.difference = disagreement(process, ours)
        # Another algorithm parts from ours with the first update, not before.
        compared = disagreement(process, ours, 1) if self.contestant.another_algorithm else self.difference
        self.agrees = compared <= TOLERANCE
        low, middle, high = np.percentile(milliseconds, [10, 50, 90])
        ratio = np.median(milliseconds / ours.milliseconds())
        remark = f"another algorithm: {self.contestant.another_algorithm}" if self.contestant.another_algorithm else ""
        self.cells = [work.name, self.contestant.name, f"{middle:.3g}", f"{low:.3g} - {high:.3g}", f"{ratio:.2f}", f"{self.difference:.0e}",
                      remark if self.agrees else "LOSSES DIFFER"]


def print_row(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build", help="build folder of fovea")
    parser.add_argument("--works", nargs="*", default=[""], help="those whose names contain one of these")
    parser.add_argument("--contestants", nargs="*", default=[""], help="those whose names begin with one of these; fovea always")
    parser.add_argument("--blocks", type=int, default=30, help="for each contestant")
    parser.add_argument("--block", type=float, default=0.075, help="seconds that a block takes, roughly")
    parser.add_argument("--batches", type=int, default=64, help="different ones, in turn")
    parser.add_argument("--checked", type=int, default=200, help="losses compared, at most")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passive", action="store_true", help="OpenMP's threads wait without spinning: for a machine that others use as well")
    parser.add_argument("--quick", action="store_true", help="small works, few blocks: to see that all runs")
    parser.add_argument("--list", action="store_true", help="names of works and contestants")
    options = parser.parse_args()
    if options.quick:
        options.blocks, options.block, options.checked = 3, 0.02, 10
    return options


def main():
    options = parsed()
    works = [work for work in WORKS if any(text in work.name for text in options.works)]
    if options.quick:
        works = [work for work in works if work.vocab <= 10_000 and work.batch <= 128 and work.zipf]
    wanted = [c for c in CONTESTANTS if c.name in ("fovea", "fovea-fit") or any(c.name.startswith(name) for name in options.contestants)]
    if options.list:
        print(*(work.name for work in works), "", *dict.fromkeys(c.name for c in wanted), sep="\n")
        return 0
    present = [contestant for contestant in wanted if not contestant.missing(options.build)]
    for contestant in wanted:
        if contestant not in present:
            note(f"{contestant.name}: left out: {contestant.missing(options.build)}")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])  # inherited: also for those that have no such setting

    versions, agree = {}, True
    for work in works:
        note(work.name)
        with tempfile.TemporaryDirectory() as folder:
            for row in measure(work, [c for c in present if work.kind in c.kinds.split()], options, pathlib.Path(folder)):
                if not versions:
                    print(f"`{row.runtime}`\n")
                    print_row(["work", "contestant", "ms", "p10 - p90", "x fovea", "losses differ by", ""])
                    print_row(["---"] * 7)
                print_row(row.cells)
                versions[row.versions] = None
                agree &= row.agrees
    waiting = ", OpenMP passive" if options.passive else ""
    print(f"\n{options.threads} threads each{waiting}; {options.blocks} blocks. {'; '.join(versions)}.")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
