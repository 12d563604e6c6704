#!/usr/bin/env python3
"""Reads the event files that a test program wrote with the reader of the tensorboard package. 77: there is no such package.

read_events.py PROGRAM
"""
import collections
import os
import subprocess
import sys
import tempfile

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("the package tensorboard is not installed")
    sys.exit(77)

with tempfile.TemporaryDirectory() as folder:
    out = subprocess.run([sys.argv[1], "-tc=events for the real reader*"], env={**os.environ, "FOVEA_EVENTS": folder},
                         capture_output=True, text=True, check=True).stdout
    expected = collections.defaultdict(list)
    for line in out.splitlines():
        words = line.split()
        if len(words) == 2 and words[0].removeprefix("val_") in ("loss", "accuracy"):
            expected[words[0]].append(float(words[1]))
    assert len(expected) == 4, out
    runs = {run: EventAccumulator(os.path.join(folder, run), size_guidance={"scalars": 0, "histograms": 0}).Reload() for run in ("train", "validation")}
    for name, values in expected.items():
        run = runs["validation" if name.startswith("val_") else "train"]
        events = run.Scalars("epoch_" + name.removeprefix("val_"))
        assert [event.step for event in events] == [0, 1, 2], events
        assert all(abs(event.value - value) <= 1e-6 * abs(value) for event, value in zip(events, values)), (events, values)
    assert len(runs["train"].Scalars("epoch_learning_rate")) == 3
    assert [event.step for event in runs["train"].Scalars("batch_loss")] == list(range(9))
    histograms = runs["train"].Tags()["histograms"]
    assert len(histograms) >= 5, histograms
    for tag in histograms:
        events = runs["train"].Histograms(tag)
        assert len(events) == 3
        for event in events:
            value = event.histogram_value
            assert sum(value.bucket) == value.num > 0
            assert value.bucket_limit[-1] == value.max
    print("figure: events that the reader of tensorboard read =", 12 + 3 + 9 + 3 * len(histograms))
