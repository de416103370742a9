"""The arguments that a convolution takes: one number or two, checked, and written out."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

Pair = int | tuple[int, int]
# "valid", "same", the zeros on each side, or ((top, bottom), (left, right)).
Padding = str | int | tuple[tuple[int, int], tuple[int, int]]


def whole_number(name: str, value: Any, *, least: int) -> int:
    """Return ``value`` as a whole number, or raise ``ValueError`` if it is none or below ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {least}.")
    return number


def pair(name: str, value: Any) -> tuple[int, int]:
    """Return (height, width) of a setting that is one number or two."""
    both = tuple(value) if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) else (value, value)
    if len(both) != 2:
        raise ValueError(f"{name} is {value!r}; it must be one whole number or two, for height and width.")
    return whole_number(name, both[0], least=1), whole_number(name, both[1], least=1)


def both_sides(padding: Any) -> tuple[int, int]:
    """Return the zeros (before, after) of an axis, from one number or two."""
    both = tuple(padding) if isinstance(padding, Sequence | np.ndarray) else (padding, padding)
    if len(both) != 2:
        raise ValueError(f"The padding of an axis is {padding!r}; it must be one number or (before, after).")
    return whole_number("padding", both[0], least=0), whole_number("padding", both[1], least=0)


def padding_of_axis(padding: Padding, axis: int) -> str | tuple[int, int]:
    """Return what ``padding`` says of the height (0) or of the width (1)."""
    if isinstance(padding, str):
        return padding
    if isinstance(padding, Sequence | np.ndarray):
        if len(padding) != 2 or not all(isinstance(side, Sequence | np.ndarray) for side in padding):
            raise ValueError(f"The padding is {padding!r}; written out it is ((top, bottom), (left, right)).")
        return both_sides(padding[axis])
    return both_sides(padding)


def require_dimensions(name: str, shape: tuple) -> None:
    """Raise ``ValueError`` unless ``"images"`` or a ``"kernel"`` of this shape have four dimensions."""
    layout = {"images": "(n, height, width, channels)", "kernel": "(height, width, channels / groups, filters)"}[name]
    if len(shape) != 4:
        raise ValueError(f"The {name} must be an array {layout}; the shape {shape} has not four dimensions.")


def require_groups(channels: int, filters: int, groups: int) -> None:
    """Raise ``ValueError`` unless ``groups`` divides both the channels and the filters."""
    whole_number("groups", groups, least=1)
    if channels % groups or filters % groups:
        raise ValueError(f"{groups} groups must divide the {channels} channels and the {filters} filters.")
