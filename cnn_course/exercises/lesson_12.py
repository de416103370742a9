"""The exercises of lesson 12."""

from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "12.1",
    hint="Each pixel moves by 8 in the direction of the sign of its own weight. What does each then add to the logit?",
    solution="""
answer = 8 * (0.02 + 0.01 + 0.03 + 0.04)
""",
)
def most_that_a_logit_can_rise(answer: float) -> None:
    """How far can changes of at most 8 in each of four pixels raise a logit with weights 0.02, -0.01, 0.03, 0.04?"""
    answer = float(np.squeeze(answer))
    weights = np.array([0.02, -0.01, 0.03, 0.04])
    if np.isclose(answer, 8 * weights.sum()):
        raise Wrong("There every pixel moves up; the one with the negative weight should move down.")
    if np.isclose(answer, 8 * np.linalg.norm(weights), rtol=1e-2):
        raise Wrong("That is for a change of Euclidean length 8; here each pixel may change by 8.")
    if np.isclose(answer, np.abs(weights).sum()):
        raise Wrong("That is for changes of at most 1.")
    if not np.isclose(answer, 8 * np.abs(weights).sum()):
        raise Wrong(f"{answer:.4g} is not the sum of what the four pixels can add.")


@exercise(
    "12.2",
    hint="The change is attacked - images. Its length is the root of the sum of its squares over height, width and "
    "channels, one for each image. Where it is larger than the radius, multiply the change by radius / length.",
    solution="""
import numpy as np


def project(attacked, images, radius):
    change = attacked - images
    length = np.sqrt((change**2).sum(axis=(1, 2, 3), keepdims=True))
    return images + change * np.minimum(1, radius / np.maximum(length, 1e-12))


answer = project
""",
)
def back_into_the_ball(answer: Callable) -> None:
    """Write project(attacked, images, radius): the nearest images within a Euclidean distance of the given ones."""
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (4, 5, 5, 3))
    change = rng.normal(size=images.shape) * np.array([0.1, 1.0, 5.0, 20.0])[:, None, None, None]
    attacked = images + change
    length = np.sqrt((change**2).sum(axis=(1, 2, 3), keepdims=True))
    given = attacked.copy(), images.copy()
    for radius in (20.0, 5.0):
        result = np.asarray(answer(attacked, images, radius))
        if not (np.array_equal(attacked, given[0]) and np.array_equal(images, given[1])):
            raise Wrong("It changed the arrays that it was given.")
        if result.shape != images.shape:
            raise Wrong(f"For images of shape {images.shape} it returned {result.shape}.")
        if np.allclose(result, images + change * np.minimum(1, radius / length)):
            continue
        if np.allclose(result, images + np.clip(change, -radius, radius)):
            raise Wrong(
                "That limits each value by itself, as FGSM and PGD do; here the length of the whole change counts."
            )
        if np.allclose(result, images + change * radius / length):
            raise Wrong("A change that is shorter than the radius stays as it is; yours is made longer.")
        if np.allclose(result, images + change * min(1, radius / np.linalg.norm(change))):
            raise Wrong("Each image has a length of its own; yours is that of all changes together.")
        if np.allclose(result, images + change * np.minimum(1, 20 / length)):
            raise Wrong(f"For the radius {radius:g} it returned what is right for 20: the radius is an argument.")
        raise Wrong("The changes do not have the direction of the given ones and a length of at most the radius.")
    unchanged = np.asarray(answer(images.copy(), images, 20.0))
    if not np.isfinite(unchanged).all():
        raise Wrong("An image without a change gives values that are no numbers: its length is 0.")
    if not np.allclose(unchanged, images):
        raise Wrong("An image without a change should come back as it is; its length is 0.")


@exercise(
    "12.3",
    hint="order = np.argsort(confidence), then np.array_split(order, bins) gives the images of each bin. Weight each "
    "bin's |accuracy - mean confidence| by its number of images.",
    solution="""
import numpy as np


def adaptive_error(confidence, right, bins):
    parts = np.array_split(np.argsort(confidence), bins)
    gaps = [abs(right[part].mean() - confidence[part].mean()) for part in parts]
    return np.average(gaps, weights=[len(part) for part in parts])


answer = adaptive_error
""",
)
def error_with_bins_of_equal_size(answer: Callable) -> None:
    """Write adaptive_error(confidence, right, bins): the calibration error with as many images in each bin."""
    rng = np.random.default_rng(0)
    for count, bins in ((120, 5), (103, 4)):
        confidence = rng.uniform(0.3, 1, count) ** 0.5
        right = rng.random(count) < 0.8  # too modest at one end, too sure at the other
        given = confidence.copy(), right.copy()
        result = float(answer(confidence, right, bins))
        if not (np.array_equal(confidence, given[0]) and np.array_equal(right, given[1])):
            raise Wrong("It changed the arrays that it was given.")
        order = np.argsort(confidence)
        parts = np.array_split(order, bins)
        gaps = np.array([right[part].mean() - confidence[part].mean() for part in parts])
        sizes = np.array([len(part) for part in parts])
        if np.isclose(result, np.average(np.abs(gaps), weights=sizes)):
            continue
        if np.isclose(result, np.average(gaps, weights=sizes)) or np.isclose(result, abs(gaps @ sizes) / count):
            raise Wrong("Take the absolute value in each bin: differences of opposite sign must not cancel.")
        if np.isclose(result, np.mean(np.abs(gaps))):
            raise Wrong("The bins differ in size by one image; weight each by its size.")
        equal_width = np.clip((confidence * bins).astype(int), 0, bins - 1)
        of_width = sum(
            abs(right[equal_width == k].sum() - confidence[equal_width == k].sum()) / count for k in range(bins)
        )
        if np.isclose(result, of_width):
            raise Wrong("Those are bins of equal width; here each holds as many images as the others.")
        as_given = np.array_split(np.arange(count), bins)
        unsorted_gaps = [abs(right[part].mean() - confidence[part].mean()) for part in as_given]
        if np.isclose(result, np.average(unsorted_gaps, weights=sizes)):
            raise Wrong("The bins follow the order of the images; sort them by confidence first.")
        raise Wrong(f"For {count} images and {bins} bins it returned {result:.4g}, which is not the mean gap.")
