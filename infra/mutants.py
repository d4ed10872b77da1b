"""Puts a sample of plausible bugs into the code, one at a time, and counts how many the tests catch.

cargo-mutants makes the bugs and runs the tests. This script draws the sample: with a fixed seed, so that two runs on
the same code try the same bugs. Each area runs its own tests only.

Usage: mutants.py [--seed N] [--area NAME ...] [--list] [--mutants PATH] [--nextest PATH] [--output DIR] [--jobs N]

Exit status: 0 where every area reaches its share, 1 where one does not, 2 where a run failed.
"""

import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEED = 20261128
# Seconds for the tests of one bug; those of the slowest area take 40 on two cores.
TEST_TIMEOUT_S = 180
BUILD_TIMEOUT_S = 600

CORE = "adrelay-core"
# name: package, files, which tests run (a nextest filter), bugs in the sample, share that must be caught in percent.
# The tests of an area are those that are about it; others may catch a bug of it too, but take longer.
AREAS = {
    "dispatch": (CORE, ["shared/core/src/dispatch/**/*.rs"], "test(dispatch) + test(unsent)", 16, 85),
    "people": (CORE, ["shared/core/src/people/**/*.rs"], "test(people) + test(conversion) + test(leads)", 12, 85),
    "leads": (CORE, ["shared/core/src/leads/**/*.rs"], "test(leads) + test(reconcile) + test(jobs)", 12, 85),
    "conversion": (
        "track-conversion",
        ["shared/core/src/conversion/**/*.rs"],
        "package(track-conversion) + (package(adrelay-core) & (test(conversion) + test(people)))",
        10,
        85,
    ),
    "jobs": (CORE, ["shared/core/src/jobs/**/*.rs"], "test(jobs) + test(export)", 6, None),
    "aws": ("adrelay-aws", ["shared/aws/src/**/*.rs"], "all()", 10, None),
}
# Code that no test of these areas can be asked about.
EXCLUDED = ["impl Debug", "impl Display"]


def mutants(args, *rest):
    """The command line of cargo-mutants with what every call of it shares."""
    command = [args.mutants, "mutants", "--dir", str(ROOT), "--no-shuffle"]
    for pattern in EXCLUDED:
        command += ["--exclude-re", pattern]
    return command + list(rest)


def candidates(args, area):
    """Names of all bugs that cargo-mutants can put into an area's files."""
    _, files, _, _, _ = AREAS[area]
    command = mutants(args, "--list", "--json")
    for file in files:
        command += ["--file", file]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return sorted(mutant["name"] for mutant in json.loads(listed.stdout))


def sample(args, area):
    """The bugs of an area that are tried, in the order of their names."""
    names = candidates(args, area)
    # Lines move with every change; what is drawn must not follow from them.
    rank = lambda name: re.sub(r":\d+:\d+:", ":", name)
    drawn = random.Random(f"{args.seed}/{area}").sample(sorted(names, key=rank), min(AREAS[area][3], len(names)))
    return sorted(drawn)


def run(args, area):
    """Tries the sample of an area; gives the outcome of each bug by name."""
    package, files, tests, _, _ = AREAS[area]
    output = pathlib.Path(args.output) / area
    output.mkdir(parents=True, exist_ok=True)
    command = mutants(
        args, "--output", str(output), "--test-tool", "nextest", "--jobs", str(args.jobs), "--colors", "never",
        "--timeout", str(TEST_TIMEOUT_S), "--build-timeout", str(BUILD_TIMEOUT_S), "--baseline", "skip",
        "--test-package", package if package == CORE or area == "aws" else f"{package},{CORE}",
    )
    for file in files:
        command += ["--file", file]
    for name in sample(args, area):
        command += ["--re", f"^{re.escape(name)}$"]
    command += ["--", "--profile", "mutants", "-E", tests]
    environment = {**os.environ, "PATH": f"{pathlib.Path(args.nextest).resolve().parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=ROOT, env=environment)
    # 0: all caught, 2: some were missed, 3: some timed out.
    if done.returncode not in (0, 2, 3):
        sys.exit(f"cargo-mutants failed in {area}: {done.returncode}")
    outcomes = json.loads((output / "mutants.out" / "outcomes.json").read_text())["outcomes"]
    return {
        outcome["scenario"]["Mutant"]["name"]: outcome["summary"]
        for outcome in outcomes
        if isinstance(outcome["scenario"], dict)
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--area", action="append", choices=AREAS, help="only this area; may be given more than once")
    parser.add_argument("--list", action="store_true", help="print the sample and try nothing")
    parser.add_argument("--mutants", default="cargo-mutants")
    parser.add_argument("--nextest", default=".venv/cargo/bin/cargo-nextest")
    parser.add_argument("--output", default="target/mutants")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    areas = args.area or list(AREAS)
    if args.list:
        for area in areas:
            print(f"{area}: {len(candidates(args, area))} possible", *sample(args, area), sep="\n  ")
        return 0
    table, survivors, enough = [], [], True
    for area in areas:
        results = run(args, area)
        # What does not compile is no bug that could live.
        tried = {name: summary for name, summary in results.items() if summary != "Unviable"}
        caught = sum(summary in ("CaughtMutant", "Timeout") for summary in tried.values())
        share = 100 * caught / len(tried) if tried else 0
        wanted = AREAS[area][4]
        enough = enough and (wanted is None or share >= wanted)
        table.append(f"{area:12} {len(tried):5} {caught:6} {share:5.0f} %" + (f"  (at least {wanted} %)" if wanted else ""))
        survivors += [name for name, summary in sorted(tried.items()) if summary == "MissedMutant"]
    print("\narea         tried caught   share", *table, sep="\n")
    print("\nnot caught:", *(survivors or ["none"]), sep="\n  ")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
