"""First weights that let training begin with the image instead of noise. Derived in lesson 04.

K. Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", arXiv 2404.00498; the whitening of patches comes from
D. Page 2019, "How to train your ResNet".
"""

import keras
import numpy as np
from keras import ops


def whitening_kernel(images: np.ndarray, *, size: int = 2, epsilon: float = 5e-4) -> np.ndarray:
    """Return the convolution that turns patches into uncorrelated values of variance 1, each with its opposite.

    The columns are the eigenvectors of the covariance of all patches of ``size`` by ``size`` pixels, divided by the
    root of their eigenvalue plus ``epsilon`` (which keeps hardly varying directions, noise, from being blown up), and
    then the same with the other sign, since an activation such as SiLU keeps little but the positive values.

    Args:
        images: (n, height, width, channels), scaled as the layer will see them.
        size: Height and width of a patch.
        epsilon: In units of the images' variance.

    Returns:
        A kernel (size, size, channels, 2 size² channels), float32.
    """
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    channels = images.shape[-1]
    patches = np.moveaxis(windows, 3, -1).reshape(-1, size * size * channels).astype("float64")
    eigenvalues, eigenvectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    filters = (eigenvectors / np.sqrt(np.maximum(eigenvalues, 0) + epsilon))[:, ::-1]  # the strongest first
    both = np.concatenate([filters, -filters], axis=1)
    return both.reshape(size, size, channels, -1).astype("float32")


def initialise_whitening(model: keras.Model, images: np.ndarray, *, at_most: int = 5000) -> None:
    """Fill the layer ``whitening`` of a :func:`cnn_course.models.fast_network` from the first ``at_most`` images."""
    layer = model.get_layer("whitening")
    scaled = ops.convert_to_numpy(model.get_layer("scale")(images[:at_most].astype("float32"))).astype("float32")
    layer.kernel.assign(whitening_kernel(scaled, size=layer.kernel.shape[0]))


def initialise_identity(model: keras.Model) -> None:
    """Let the first filters of every 3x3 convolution copy its input channels; the others keep their random weights.

    Then what the first layer sees reaches the last one unmixed when training begins ("Dirac initialisation").
    """
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (3, 3):
            kernel = ops.convert_to_numpy(layer.kernel).copy()
            copied = np.arange(min(kernel.shape[2:]))
            kernel[..., copied] = 0
            kernel[1, 1, copied, copied] = 1
            layer.kernel.assign(kernel)
