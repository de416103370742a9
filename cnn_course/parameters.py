"""The parameters of a lesson: the profile's values, unless somebody gave another; refused where they make no sense."""

import ast
import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from cnn_course import machine

PROFILES = ("quick", "full")
LARGEST_SEED = 2**32 - 1  # of NumPy's global generator


class ParameterError(ValueError):
    """A parameter that the lesson does not have, or a value that it cannot take."""


def settle(
    names: Mapping[str, Any],
    *,
    quick: Mapping[str, Any],
    full: Mapping[str, Any],
    choices: Mapping[str, tuple[Any, ...]],
) -> tuple[SimpleNamespace, tuple[str, ...]]:
    """Return the settings of a run, and the names of those that somebody gave.

    ``names`` are the notebook's globals, ``quick`` and ``full`` the two profiles, ``choices`` the allowed values of
    those parameters that have only a few. Raises :class:`ParameterError`.
    """
    if set(quick) != set(full):
        raise TypeError("The quick and the full profile must set the same parameters.")
    _refuse_unknown(injected_names(names), ("profile", *quick, "seed"))
    profile, profile_given = choose_profile(names.get("profile", "auto"))
    defaults = {**(quick if profile == "quick" else full), "seed": 0}
    given = [name for name in defaults if names.get(name) is not None and (name != "seed" or names[name] != 0)]
    values = {name: names[name] if name in given else default for name, default in defaults.items()}
    for name, value in values.items():
        _validate(name, value, defaults[name], choices.get(name))
    return SimpleNamespace(profile=profile, **values), (("profile",) if profile_given else ()) + tuple(given)


def choose_profile(profile: Any) -> tuple[str, bool]:
    """Return the profile to use and whether it was chosen by somebody rather than by the machine.

    ``"auto"`` means ``$CNN_COURSE_PROFILE``, else ``"full"`` where there is a GPU, else ``"quick"``.
    """
    source = "The parameter 'profile'"
    if profile in (None, "auto"):
        profile = os.environ.get("CNN_COURSE_PROFILE", "auto") or "auto"
        source = "$CNN_COURSE_PROFILE"
        if profile == "auto":
            return ("full" if machine.has_gpu() else "quick"), False
    if profile not in PROFILES:
        raise ParameterError(f"{source} is {profile!r}; it can be 'auto', 'quick' or 'full'.")
    return profile, True


def injected_names(names: Mapping[str, Any]) -> list[str]:
    """Return the names that papermill has set in this notebook.

    Papermill adds a cell that starts with ``# Parameters``; IPython keeps the source of each executed cell in ``_ih``.
    """
    found = []
    for source in names.get("_ih", []):
        if source.lstrip().startswith("# Parameters"):
            for statement in ast.parse(source).body:
                if isinstance(statement, ast.Assign):
                    found += [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return found


def _refuse_unknown(names: list[str], known: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ParameterError(
            f"This lesson has no parameter {', '.join(map(repr, unknown))}. Its parameters are {', '.join(known)}."
        )


def _validate(name: str, value: Any, default: Any, choices: tuple[Any, ...] | None) -> None:
    """Raise :class:`ParameterError` unless ``value`` is of the kind of the profile's own value."""
    if choices is not None:
        if value not in choices:
            raise ParameterError(f"{name} is {value!r}; it can be {', '.join(map(repr, choices))}.")
    elif isinstance(default, bool) or isinstance(value, bool):
        if not (isinstance(default, bool) and isinstance(value, bool)):
            raise ParameterError(f"{name} is {value!r}; it must be {_kind(default)}.")
    elif isinstance(default, int):
        least = 0 if name == "seed" else 1
        if not isinstance(value, int) or value < least:
            raise ParameterError(f"{name} is {value!r}; it must be a whole number of at least {least}.")
        if name == "seed" and value > LARGEST_SEED:
            raise ParameterError(f"{name} is {value}; it must be a whole number of at most {LARGEST_SEED}.")
    elif isinstance(default, float):
        if not isinstance(value, int | float) or not value > 0:
            raise ParameterError(f"{name} is {value!r}; it must be a number above 0.")
    elif isinstance(default, str) and not (isinstance(value, str) and value):
        raise ParameterError(f"{name} is {value!r}; it must be a text such as {default!r}.")


def _kind(value: Any) -> str:
    return "True or False" if isinstance(value, bool) else f"of type {type(value).__name__}"
