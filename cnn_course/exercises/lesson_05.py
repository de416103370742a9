"""The exercises of lesson 05."""

from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "05.1",
    hint="A dense layer has one weight for each pair of a feature and a class, and a bias for each class.",
    solution="""
answer = 1280 * 37 + 37
""",
)
def weights_of_a_head(answer: int) -> None:
    """How many weights does a dense head learn on top of 1,280 features, for 37 breeds of cats and dogs?"""
    if answer == 1280 * 37:
        raise Wrong("Those are the weights of the features; each class has a bias besides.")
    if answer == 7 * 7 * 1280 * 37 + 37:
        raise Wrong("That head would see every cell of the maps; ours sees their mean, one number for each channel.")
    if answer == 1280 * 1000 + 1000:
        raise Wrong("Those are the weights of ImageNet's own head, for 1,000 classes.")
    if answer != 1280 * 37 + 37:
        raise Wrong(f"{answer} is not the number of weights between 1,280 features and 37 classes, and 37 biases.")


@exercise(
    "05.2",
    hint="pixels[..., ::-1] turns the order of the channels round. The means are given for blue, green, red: subtract "
    "them after that.",
    solution="""
import numpy as np


def preprocess(pixels):
    return pixels[..., ::-1].astype("float32") - np.array([103.939, 116.779, 123.68], "float32")


answer = preprocess
""",
)
def preprocessing_of_vgg(answer: Callable) -> None:
    """Write preprocess(pixels): what VGG16 wants, blue-green-red without the mean of ImageNet's pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3)).astype("uint8")
    given, means = pixels.copy(), np.array([103.939, 116.779, 123.68])
    result = np.asarray(answer(pixels))
    if not np.array_equal(pixels, given):
        raise Wrong("It changed the pixels that it was given; it should return new ones.")
    if result.shape != pixels.shape:
        raise Wrong(f"It returned an array of shape {result.shape} for pixels of shape {pixels.shape}.")
    if np.issubdtype(result.dtype, np.integer):
        raise Wrong("The result is of whole numbers: means with decimals need floating point.")
    turned = given[..., ::-1].astype("float64")
    if np.allclose(result, given - means, atol=1e-3):
        raise Wrong("The means are right, but the channels are still red, green, blue.")
    if np.allclose(result, turned - means[::-1], atol=1e-3):
        raise Wrong("The means are given for blue, green, red: subtract them from the channels in that order.")
    if np.allclose(result, turned / 255 - means, atol=1e-3) or np.allclose(result, (turned - means) / 255, atol=1e-3):
        raise Wrong("This network wants pixels from 0 to 255, not from 0 to 1.")
    if not np.allclose(result, turned - means, atol=1e-3):
        raise Wrong("The values are not the pixels in the order blue, green, red, less the three means.")


@exercise(
    "05.3",
    hint="Divide every row of both arrays by its length; then test @ train.T holds all cosines. np.argsort(-cosines) "
    "gives the nearest first; np.bincount counts their labels.",
    solution="""
import numpy as np


def nearest_neighbours(train, labels, test, k):
    train = train / np.linalg.norm(train, axis=1, keepdims=True)
    test = test / np.linalg.norm(test, axis=1, keepdims=True)
    nearest = np.argsort(-(test @ train.T), axis=1)[:, :k]
    return np.array([np.bincount(labels[row]).argmax() for row in nearest])


answer = nearest_neighbours
""",
)
def nearest_neighbours_by_cosine(answer: Callable) -> None:
    """Write nearest_neighbours(train, labels, test, k): the commonest label among the k features of highest cosine."""
    random = np.random.default_rng(0)
    train, test = random.normal(size=(90, 5)), random.normal(size=(40, 5))
    train *= random.uniform(0.1, 10, size=(90, 1))  # lengths must not matter
    labels = random.integers(0, 3, 90)
    cosines = (test @ train.T) / np.linalg.norm(train, axis=1) / np.linalg.norm(test, axis=1)[:, None]

    def agreeing(result: np.ndarray, score: np.ndarray, k: int) -> np.ndarray:
        """Return for each image whether no label is commoner among the k best; of equally common ones each is right."""
        nearest = labels[np.argsort(-score, axis=1)[:, :k]]
        votes = (nearest[:, :, None] == np.arange(3)).sum(axis=1)
        best = votes == votes.max(axis=1, keepdims=True)
        return (best & (result[:, None] == np.arange(3))).any(axis=1)

    for k in (1, 7, 30):
        result = np.asarray(answer(train.copy(), labels.copy(), test.copy(), k))
        if result.shape != (40,):
            raise Wrong(f"It returned an array of shape {result.shape}; it should be one label for each of 40 images.")
        right = agreeing(result, cosines, k)
        if right.all():
            continue
        apart = -np.linalg.norm(test[:, None] - train, axis=2)
        if agreeing(result, apart, k).all():
            raise Wrong("That is the distance between the features; the cosine does not depend on their lengths.")
        if agreeing(result, test @ train.T, k).all():
            raise Wrong("That is the product without the lengths: divide every row by its length first.")
        if agreeing(result, -cosines, k).all():
            raise Wrong("Those are the neighbours furthest away: the highest cosine is the nearest.")
        if k > 1 and agreeing(result, cosines, 1).all():
            raise Wrong("It looks at one neighbour only, whatever k is.")
        raise Wrong(f"With k={k}, {1 - right.mean():.0%} of the labels are others.")
