"""Where a stored result comes from: the command, the commit, the date and the machine."""

import datetime
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# What the results of a benchmark depend on.
CODE = (
    "cnn_course/contrastive",
    "cnn_course/datasets",
    "cnn_course/digits.py",
    "cnn_course/distillation.py",
    "cnn_course/leaderboard",
    "cnn_course/models",
    "cnn_course/quantization",
    "cnn_course/robustness",
    "cnn_course/saliency",
    "cnn_course/serving",
    "cnn_course/shapes.py",
    "cnn_course/training",
    "cnn_course/transfer.py",
    "benchmarks",
)
# The options of a benchmark that change no result, but which of the runs are done and where they go.
NEUTRAL_OPTIONS = ("--out", "--at-most", "--recipe", "--kind", "--dtype", "--weights")


def provenance() -> dict[str, Any]:
    """Return what a results file says about its origin, without any path of this machine."""
    from cnn_course import machine

    return {
        "command": command(sys.argv),
        "commit": commit(),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **machine.environment(),
    }


def command(argv: list[str]) -> str:
    """Return the command line that gives the same results, from the script's path and its options."""
    script, *arguments = argv
    for option in NEUTRAL_OPTIONS:
        while option in arguments:
            at = arguments.index(option)
            del arguments[at : at + 2]
    return shlex.join(["python", f"benchmarks/{Path(script).name}", *arguments])


def commit() -> str:
    """Return the checkout's commit, marked where the code that a result depends on was changed since."""
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    changed = subprocess.run(
        ["git", "diff", "--quiet", "HEAD", "--", *CODE], cwd=ROOT, capture_output=True, check=False
    )
    return head.stdout.strip() + ("" if changed.returncode == 0 else " with changes")
