"""The exercises of lesson 03."""

from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "03.1",
    hint="How many batches does one epoch have? The last one is smaller, and it is a step too.",
    solution="""
import math

answer = 12 * math.ceil(45_000 / 128)
""",
)
def steps_of_a_schedule(answer: int) -> None:
    """How many steps are 12 epochs over 45,000 images in batches of 128, the smaller last batch included?"""
    if answer == 12 * (45_000 // 128):
        raise Wrong("That leaves out the smaller last batch of each epoch.")
    if answer == 352:
        raise Wrong("Those are the steps of one epoch; there are 12.")
    if answer == -(-12 * 45_000 // 128):
        raise Wrong("Every epoch ends with a smaller batch of its own; batches do not reach into the next epoch.")
    if answer != 12 * 352:
        raise Wrong(f"{answer} is not the number of batches in an epoch times the number of epochs.")


@exercise(
    "03.2",
    hint="u = (step - warm) / (steps - warm) goes from 0 to 1 after the warm-up of warm = steps / 10 steps; np.where "
    "chooses between the two formulas for each step.",
    solution="""
import numpy as np


def rate(step, steps, peak):
    warm = steps / 10
    rising = step / warm
    falling = 0.5 * (1 + np.cos(np.pi * (step - warm) / (steps - warm)))
    return peak * np.where(step < warm, rising, falling)


answer = rate
""",
)
def warm_up_and_cosine(answer: Callable) -> None:
    """Write rate(step, steps, peak): linear from 0 to peak in a tenth of the steps, then half a cosine wave to 0."""
    for steps, peak in ((100, 0.4), (1000, 1.0)):
        step = np.arange(steps + 1)
        values = np.asarray(answer(step, steps, peak))
        if values.shape != step.shape:
            raise Wrong(f"For an array of {len(step)} steps it returned an array of shape {values.shape}.")
        warm = steps // 10
        if not np.allclose(values[: warm + 1], peak * np.arange(warm + 1) / warm, atol=1e-6):
            raise Wrong(f"The rise is wrong: with steps={steps} it should be a line from 0 to {peak} at step {warm}.")
        if not np.isclose(values[-1], 0, atol=1e-6):
            raise Wrong(f"It should end at 0, and it ends at {values[-1]:.4f}.")
        middle = warm + (steps - warm) // 2
        if not np.isclose(values[middle], peak / 2, atol=1e-6):
            raise Wrong(
                f"Half-way down, at step {middle}, it should be half of the peak, and it is {values[middle]:.4f}."
            )
        rest = (np.arange(warm, steps + 1) - warm) / (steps - warm)
        if not np.allclose(values[warm:], peak * np.cos(np.pi * rest / 2) ** 2, atol=1e-6):
            raise Wrong("The fall begins, halves and ends where it should, but it is not a cosine.")


@exercise(
    "03.3",
    hint="rng.integers(0, height - size + 1, n) draws the rows of the n corners. A mask (n, height, width) that "
    "compares np.arange with the corners blackens all squares at once.",
    solution="""
import numpy as np


def cutout(images, size, rng):
    n, height, width, _ = images.shape
    top = rng.integers(0, height - size + 1, n)[:, np.newaxis]
    left = rng.integers(0, width - size + 1, n)[:, np.newaxis]
    rows = (np.arange(height) >= top) & (np.arange(height) < top + size)
    columns = (np.arange(width) >= left) & (np.arange(width) < left + size)
    inside = rows[:, :, np.newaxis] & columns[:, np.newaxis, :]
    return np.where(inside[..., np.newaxis], 0, images).astype(images.dtype)


answer = cutout
""",
)
def cutout_of_a_batch(answer: Callable) -> None:
    """Write cutout(images, size, rng): a copy of the batch with one random square of zeros inside each image."""
    n, height, width, size = 64, 12, 15, 4
    images = np.random.default_rng(0).integers(1, 256, (n, height, width, 3)).astype("float32")
    given = images.copy()
    result = np.asarray(answer(images, size, np.random.default_rng(1)))
    if not np.array_equal(images, given):
        raise Wrong("It changed the batch that it was given; it should return a changed copy.")
    if result.shape != images.shape or result.dtype != images.dtype:
        raise Wrong(f"It returned {result.dtype} {result.shape}, and was given {images.dtype} {images.shape}.")
    black = np.all(result == 0, axis=-1)
    if not np.array_equal(result[~black], images[~black]):
        raise Wrong("Outside the squares the images should stay as they are, and inside all channels should be zero.")
    if not np.all(black.sum(axis=(1, 2)) == size**2):
        raise Wrong(f"In each image exactly {size} x {size} pixels should be black, wholly inside the image.")
    rows, columns = black.any(axis=2), black.any(axis=1)
    if not (np.all(rows.sum(axis=1) == size) and np.all(columns.sum(axis=1) == size)):
        raise Wrong("The black pixels of an image should form one square.")
    corners = np.stack([rows.argmax(axis=1), columns.argmax(axis=1)], axis=1)
    if len(np.unique(corners, axis=0)) == 1:
        raise Wrong("All images have their square at the same place; draw a place for each image.")
    many = np.concatenate([np.all(answer(images, size, np.random.default_rng(k)) == 0, axis=-1) for k in range(8)])
    if not many.any(axis=0).all():
        raise Wrong("Some pixels are never covered: the square should reach every border.")
    again = np.asarray(answer(images, size, np.random.default_rng(1)))
    if not np.array_equal(result, again):
        raise Wrong("The same generator state should give the same squares: draw only from rng.")
