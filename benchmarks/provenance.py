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
# The options of a benchmark that change no result, but which of the runs are done and where files go.
NEUTRAL_OPTIONS = ("--out", "--at-most", "--recipe", "--kind", "--dtype", "--weights", "--folder")


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
    """Return the command line that gives the same results, from the script's path and its options.

    An option that names a file by its full path keeps the file's name alone.
    """
    script, *words = argv
    kept: list[str] = []
    words = iter(words)
    for word in words:
        option, joined, value = word.partition("=")
        if option in NEUTRAL_OPTIONS:
            if not joined:
                next(words, None)
        elif joined:
            kept.append(f"{option}={_without_folder(value)}")
        else:
            kept.append(_without_folder(word))
    return shlex.join(["python", f"benchmarks/{Path(script).name}", *kept])


def _without_folder(word: str) -> str:
    return Path(word).name if Path(word).is_absolute() else word


def commit() -> str:
    """Return the checkout's commit, marked where the code that a result depends on was changed since.

    Without git, or outside a checkout, it is ``"unknown"``: what has been measured is worth storing all the same.
    """
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        changed = subprocess.run(
            ["git", "diff", "--quiet", "HEAD", "--", *CODE], cwd=ROOT, capture_output=True, check=False
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("" if changed.returncode == 0 else " with changes")
