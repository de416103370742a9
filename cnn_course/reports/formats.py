"""How results are put into words and tables."""

from collections.abc import Mapping
from typing import Any


def number(value: Any) -> str:
    """Return a measured value as the tables show it: four digits of a fraction, thousands of a count set apart."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Return seconds as a reader says them: ``41 s``, ``12 min 5 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def longest_line(text: str) -> int:
    """Return how many characters the longest line of a text has."""
    return max(map(len, text.splitlines()), default=0)


def check_counts(results: Mapping[str, Any]) -> dict[str, int]:
    """Return how many checks of a run passed, failed, and were not judged."""
    verdicts = [check["passed"] for check in results.get("checks", [])]
    return {"passed": verdicts.count(True), "failed": verdicts.count(False), "not judged": verdicts.count(None)}


def scalars(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the single values among the metrics; those in dictionaries under names joined by dots, lists left out."""
    found: dict[str, Any] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            found |= scalars(value, f"{prefix}{name}.")
        elif not isinstance(value, list):
            found[prefix + name] = value
    return found
