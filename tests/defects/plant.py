#!/usr/bin/env python3
"""Plants the defects of defects.py one by one in a copy of the checkout and its build, and sees whether a test turns red.

plant.py --check               only that every defect can still be planted
plant.py BUILD                 all of them
plant.py BUILD --draw TEXT N   N of them, drawn by a text such as a commit's hash
plant.py BUILD --only 3,17     some, by number
"""
import argparse
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from defects import DEFECTS

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pattern(old):
    """Finds the text of a defect however its lines are broken and its strings are cut."""
    return re.compile(r'(?:\s|"\s*")*'.join(re.escape(token) for token in re.findall(r"\w+|\S", old)))


def stale():
    """Defects whose text does not stand exactly once where it should."""
    return [f"{number}: {what}" for number, (file, old, new, _, what) in enumerate(DEFECTS)
            if len(pattern(old).findall((ROOT / file).read_text())) != 1 or old == new]


def drawn(text, count):
    """The numbers of the defects with the smallest hashes of the text and the number."""
    return sorted(range(len(DEFECTS)), key=lambda number: hashlib.sha256(f"{text} {number}".encode()).digest())[:count]


def seconds_when_green(build, program):
    """Builds and runs the program as it is; it must be green, or nothing that it says of a defect means anything."""
    subprocess.run(["ninja", "-C", build, f"tests/{program}"], capture_output=True, check=True)
    begin = time.monotonic()
    if subprocess.run([f"{build}/tests/{program}", "-nv=1"], capture_output=True).returncode != 0:
        sys.exit(f"{program} is red without a defect")
    return time.monotonic() - begin


def turns_red(copy, build, file, old, new, program, patience):
    """Builds the program with the defect and runs it. None if it does not build."""
    path = copy / file
    right = path.read_text()
    path.write_text(pattern(old).sub(lambda _: new, right))
    try:
        made = subprocess.run(["ninja", "-C", build, f"tests/{program}"], capture_output=True, text=True)
        if made.returncode != 0:
            print(made.stdout[-2000:])
            return None
        try:
            return subprocess.run([f"{build}/tests/{program}", "-nv=1"], capture_output=True, timeout=patience).returncode != 0
        except subprocess.TimeoutExpired:
            return True  # what never ends is noticed as well
    finally:
        path.write_text(right)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", help="a build folder inside the checkout, with all tests built")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--draw", nargs=2, metavar=("TEXT", "N"))
    parser.add_argument("--only", metavar="NUMBERS")
    options = parser.parse_args()
    if old := stale():
        sys.exit("no longer to be planted:\n" + "\n".join(old))
    if options.check:
        print(f"figure: defects that can be planted = {len(DEFECTS)}")
        return
    if not options.build:
        parser.error("a build folder is needed")
    numbers = drawn(options.draw[0], int(options.draw[1])) if options.draw else [int(n) for n in options.only.split(",")] if options.only else range(len(DEFECTS))
    numbers = sorted(numbers, key=lambda number: DEFECTS[number][0])  # one file after another: less is compiled
    build = pathlib.Path(options.build).resolve().relative_to(ROOT)
    found, green = 0, {}
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "copy"
        copy.mkdir()
        # With their times, so that nothing is out of date; other builds stay behind.
        for part in ["cmake", "include", "src", "tests", "examples", "bench", "docs", "meson.build", "meson_options.txt", str(build)]:
            subprocess.run(["cp", "-a", "--parents", part, str(copy)], cwd=ROOT, check=True)
        for number in numbers:
            file, old, new, program, what = DEFECTS[number]
            if program not in green:
                green[program] = seconds_when_green(str(copy / build), program)
            red = turns_red(copy, str(copy / build), file, old, new, program, 60 + 20 * green[program])
            found += red is True
            print(f"{'red' if red else 'NOT BUILT' if red is None else 'NOT FOUND'} {number}: {what} ({program})", flush=True)
    print(f"figure: planted defects found = {found}/{len(numbers)}")
    sys.exit(found != len(numbers))


if __name__ == "__main__":
    main()
