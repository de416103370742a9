"""The synthetic colour images with their masks."""
import numpy as np
CLASS_NAMES = tuple("abcdefghij")
def generate(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Not written yet."""
    raise NotImplementedError
