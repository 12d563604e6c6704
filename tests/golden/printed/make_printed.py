#!/usr/bin/env python3
"""What NumPy prints for arrays of every kind that fovea prints: printed.json, by NumPy 2.4.6.

make_printed.py SEED > printed.json; the file here is seed 1.
"""
import json
import sys

import numpy as np

random = np.random.default_rng(int(sys.argv[1]))


def shape():
    return tuple(int(n) for n in random.integers(1, 5, random.integers(1, 5)))


def reals(kind):
    """Values of one magnitude, of several, whole ones, and some that are no numbers."""
    size = shape()
    values = random.normal(0, 1, size)
    if kind == "wide":
        values *= 10.0 ** random.integers(-6, 7, size)
    elif kind == "whole":
        values = np.round(values * 10.0 ** random.integers(0, 9))
    elif kind == "few":
        values = np.round(values * 8) / 8
    elif kind == "small":
        values *= 10.0 ** random.integers(-12, -2)
    elif kind == "large":
        values *= 10.0 ** random.integers(4, 20)
    elif kind == "special":
        values = np.where(random.random(size) < 0.3, random.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], size), values)
    elif kind == "no number":
        values = random.choice([np.nan, np.inf, -np.inf], size)
    return values


cases = []


def case(values, dtype, **options):
    array = np.array(values, dtype)
    with np.printoptions(**{name: value for name, value in options.items()}):
        text = str(array)
    shown = [float(v) if np.isfinite(v) else str(v) for v in array.ravel()] if dtype[0] == "f" else array.ravel().astype(int).tolist()
    cases.append({"type": dtype, "shape": array.shape, "values": shown, "options": options, "text": text})


for dtype in ("float32", "float64"):
    for kind in ("plain", "wide", "whole", "few", "small", "large", "special", "no number"):
        for _ in range(12):
            case(reals(kind), dtype)
        case(reals(kind), dtype, precision=3)
        case(reals(kind), dtype, precision=0)
        case(reals(kind), dtype, precision=4, suppress=True)
        case(reals(kind), dtype, threshold=5, edgeitems=1)
    for value in (0, -0.0, 1, 0.1, 1 / 3, 1e-4, 9e-5, 1e15, 1e16, 123456789, 1e-30, np.nan, np.inf, -np.inf):
        case(value, dtype)
    for size in ((0,), (0, 3), (3, 0), (1,), (1, 1), (1, 1, 1, 1, 1, 1)):
        case(np.full(size, 0.5), dtype)
    # Neighbours of the limits at which the notation changes.
    for values in ([0.0001, 0.05], [0.00009, 0.05], [0.001, 1], [0.001, 1.001], [999999.0, 1000], [1000000.0, 1001], [99999999.0, 1e5], [1e8, 1e6],
                   [1e5, 1e99 if dtype == "float64" else 1e30], [1e-100 if dtype == "float64" else 1e-40, 1]):
        case(values, dtype)
    case(np.round(random.normal(0, 1, (40, 30)), 3), dtype)
    case(np.arange(1001), dtype)
    case(np.arange(1000), dtype)
    case(np.round(random.normal(0, 1, (2, 9, 3, 20)), 3), dtype)
    case(np.round(random.normal(0, 1, 60), 3), dtype, linewidth=40)
for _ in range(20):
    case(random.integers(-10 ** int(random.integers(1, 9)), 10 ** int(random.integers(1, 9)), shape()), "int32")
case([2**31 - 1, -2**31], "int32")
case(7, "int32")
case(np.zeros((0, 2)), "int32")
case(np.arange(2000).reshape(20, 100), "int32")
for _ in range(10):
    case(random.random(shape()) < 0.5, "bool")
case(random.random(1200) < 0.5, "bool")
case(True, "bool")
case(np.zeros(0), "bool")

print("[")
print(",\n".join(json.dumps(each) for each in cases))
print("]")
