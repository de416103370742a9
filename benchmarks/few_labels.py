"""Some labelled images of each class, drawn at random."""

from typing import Any


def of_each_class(labels: Any, counts: Any, seed: int) -> Any:
    """Return the numbers of so many images of each class, class by class; ``counts`` is one number or one per class."""
    import numpy as np

    rng = np.random.default_rng(seed)
    counts = np.broadcast_to(counts, labels.max() + 1)
    return np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:count] for k, count in enumerate(counts)])
