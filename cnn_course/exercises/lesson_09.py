"""The exercises of lesson 09."""

from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "09.1",
    hint="The logit is the sum over the channels of the dense weight times the mean of the map. By one value of the "
    "map its derivative is the weight divided by the number of values in the map.",
    solution="answer = 0.98 / (7 * 7)",
)
def weight_of_a_map(answer: float) -> None:
    """Which weight does Grad-CAM give a 7x7 map whose mean enters the class's logit with the dense weight 0.98?"""
    answer = float(answer)
    if np.isclose(answer, 0.98):
        raise Wrong("That is the weight of the mean; by a single value of the map the derivative is smaller.")
    if np.isclose(answer, 0.98 / 7):
        raise Wrong("A map of 7 rows and 7 columns has more than 7 values.")
    if np.isclose(answer, 0.98 / 224**2):
        raise Wrong("The gradient is that by the values of the map, not by the pixels of the image.")
    if not np.isclose(answer, 0.02, atol=1e-4):
        raise Wrong(f"{answer:.4g} is not the derivative of 0.98 times the mean of 49 values by one of them.")


@exercise(
    "09.2",
    hint="Flatten each map, argmax(axis=1) gives the place of its largest value, and masks.reshape(n, -1) at these "
    "places says whether it is on the object.",
    solution="""
import numpy as np


def pointing_share(maps, masks):
    places = maps.reshape(len(maps), -1).argmax(axis=1)
    return masks.reshape(len(masks), -1)[np.arange(len(maps)), places].mean()


answer = pointing_share
""",
)
def share_of_hits(answer: Callable) -> None:
    """Write pointing_share(maps, masks): the share of the images whose map is largest on the object."""
    random = np.random.default_rng(0)
    maps, masks = random.random((40, 6, 9)), random.random((40, 6, 9)) < 0.4
    given = maps.copy()
    result = np.asarray(answer(maps, masks))
    if not np.array_equal(maps, given):
        raise Wrong("It changed the maps that it was given.")
    if result.shape != ():
        raise Wrong(f"It should return one number and returned an array of shape {result.shape}.")
    rows, columns = np.array([np.unravel_index(each.argmax(), each.shape) for each in maps]).T
    hits = masks[np.arange(40), rows, columns]
    if np.isclose(result, hits.sum()):
        raise Wrong("That is the number of hits; divide it by the number of images.")
    if np.isclose(result, 1 - hits.mean()):
        raise Wrong("Those are the misses.")
    if np.isclose(result, ((maps * masks).sum(axis=(1, 2)) / maps.sum(axis=(1, 2))).mean()):
        raise Wrong("That is the energy inside of the masks; only the largest value of each map counts here.")
    lowest = masks.reshape(40, -1)[np.arange(40), maps.reshape(40, -1).argmin(axis=1)]
    if np.isclose(result, lowest.mean()):
        raise Wrong("It looks where the map is smallest.")
    if not np.isclose(result, hits.mean()):
        raise Wrong(f"For 40 random maps it gives {float(result):.3f}; {hits.mean():.3f} of them point to the mask.")


@exercise(
    "09.3",
    hint="Copy the image for each window, set the window to 128, and give all copies to probability at once. The map "
    "is the probability of the image itself less those of the copies.",
    solution="""
import numpy as np


def occlusion(probability, image, side):
    rows, columns = image.shape[0] // side, image.shape[1] // side
    covered = np.repeat(image[np.newaxis], rows * columns, axis=0)
    for k in range(rows * columns):
        r, c = side * (k // columns), side * (k % columns)
        covered[k, r : r + side, c : c + side] = 128
    return (probability(image[np.newaxis]) - probability(covered)).reshape(rows, columns)


answer = occlusion
""",
)
def map_by_occlusion(answer: Callable) -> None:
    """Write occlusion(probability, image, side): how far a grey square at each place lowers the probability."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (12, 8, 3)).astype("uint8")
    weights = random.random((12, 8, 3))
    given = image.copy()

    def probability(images: np.ndarray) -> np.ndarray:
        if np.ndim(images) != 4:
            raise Wrong("probability takes a batch of images (n, height, width, channels), also for a single one.")
        return (np.asarray(images, "float64") * weights).sum(axis=(1, 2, 3)) / 255 / weights.sum()

    result = np.asarray(answer(probability, image, 4))
    if not np.array_equal(image, given):
        raise Wrong("It changed the image that it was given: cover a copy.")
    if result.shape == (2, 3):
        raise Wrong("Rows and columns are exchanged: an image of 12 rows and 8 columns has 3 by 2 squares of 4.")
    if result.shape != (3, 2):
        raise Wrong(f"For an image of 12x8 pixels and squares of 4 it returned {result.shape}, not a map of (3, 2).")

    def of(fill: int) -> np.ndarray:
        drops = np.zeros((3, 2))
        for r, c in np.ndindex(3, 2):
            covered = image.copy()
            covered[4 * r : 4 * r + 4, 4 * c : 4 * c + 4] = fill
            drops[r, c] = (probability(image[np.newaxis]) - probability(covered[np.newaxis]))[0]
        return drops

    if np.allclose(result, -of(128)):
        raise Wrong("The sign is wrong: where covering lowers the probability, the map should be positive.")
    if np.allclose(result, of(0)):
        raise Wrong("The squares are black; make them grey (128), which is less of a signal of its own.")
    if np.allclose(result, probability(image[np.newaxis]) - of(128)):
        raise Wrong(
            "Those are the probabilities of the covered images; the map is how far they fall below the image's."
        )
    if not np.allclose(result, of(128)):
        raise Wrong("The values are not the probability of the image less that of the image with the square covered.")
    finer = np.asarray(answer(probability, image, 2))
    if finer.shape != (6, 4):
        raise Wrong(f"For an image of 12x8 pixels and squares of 2 it returned {finer.shape}, not a map of (6, 4).")
