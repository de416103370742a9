"""What features are worth, without training a network on them. Derived in lesson 10."""

import numpy as np


def nearest_neighbours(
    known: np.ndarray, labels: np.ndarray, asked: np.ndarray, *, k: int = 20, temperature: float = 0.1
) -> np.ndarray:
    """Return for each feature vector the class for which its ``k`` nearest known ones vote.

    Nearness is the cosine; a vote counts exp(cosine / temperature) (Z. Wu and others 2018, arXiv 1805.01978, section
    3.4). Among classes with equal votes the first one is taken.

    Args:
        known: Features (n, c).
        labels: (n,), whole numbers from 0.
        asked: Features (m, c).
        k: Number of votes, from 1 to n.
        temperature: Above 0.

    Returns:
        (m,), classes.
    """
    if not 1 <= k <= len(known):
        raise ValueError(f"k is {k}; there are {len(known)} known features, so it must be from 1 to {len(known)}.")
    known, asked = _directions(known), _directions(asked)
    answers = np.zeros(len(asked), labels.dtype)
    for at in range(0, len(asked), 1000):  # so that the table of cosines stays small
        cosines = asked[at : at + 1000] @ known.T
        nearest = np.argpartition(cosines, -k, axis=1)[:, -k:]
        # Less the largest, which changes no comparison, and keeps small temperatures from overflowing.
        cosines = np.take_along_axis(cosines, nearest, axis=1)
        votes = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / temperature)
        scores = np.zeros((len(cosines), labels.max() + 1))
        np.add.at(scores, (np.arange(len(cosines))[:, None], labels[nearest]), votes)
        answers[at : at + 1000] = scores.argmax(axis=1)
    return answers


def alignment(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean squared distance of two views' outputs, (n, d) each, at length 1: 0 where they are the same.

    T. Wang and P. Isola 2020, arXiv 2005.10242, section 4.1, with their exponent 2.
    """
    return float(np.square(_directions(first) - _directions(second)).sum(axis=1).mean())


def uniformity(outputs: np.ndarray, *, t: float = 2.0) -> float:
    """Return the logarithm of the mean of exp(-t d²) over all pairs of outputs at length 1, d their distance.

    0 where all are the same; the lower, the more evenly they spread over the sphere (T. Wang and P. Isola 2020, arXiv
    2005.10242, section 4.1).

    Args:
        outputs: (n, d), two rows or more.
        t: Above 0; 2 in the source.
    """
    units = _directions(outputs).astype("float64")
    squares = 2 - 2 * units @ units.T
    return float(np.log(np.exp(-t * squares[np.triu_indices(len(units), 1)]).mean()))


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Return the rows at length 1; a row of zeros stays zero."""
    vectors = np.asarray(vectors, "float32")
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
