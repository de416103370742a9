"""Where a stored result comes from: the command, the commit, the date and the machine."""

import datetime
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# What the results of a benchmark may depend on: all code but what shows, tells and asks.
CODE = (
    "benchmarks",
    "cnn_course",
    *(f":(exclude)cnn_course/{part}" for part in ("cli.py", "exercises", "plots", "reports")),
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
