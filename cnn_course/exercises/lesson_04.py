"""The exercises of lesson 04."""

from collections.abc import Callable

import numpy as np

from cnn_course.convolution import conv2d
from cnn_course.exercises import Wrong, exercise

# Of exercise 04.2: what the checker gives the batch normalisations to subtract.
_RUNNING_MEAN = 0.5


@exercise(
    "04.1",
    hint="Three convolutions have weights: two of 3x3 and the projection of 1x1. Each is followed by a normalisation, "
    "with four numbers for each of the 128 channels.",
    solution="""
convolutions = 9 * 64 * 128 + 9 * 128 * 128 + 1 * 64 * 128
normalisations = 3 * 4 * 128
answer = convolutions + normalisations
""",
)
def weights_of_a_block(answer: int) -> None:
    """How many numbers does a residual block store that takes 64 channels to 128, with a projection?"""
    convolutions, projection = 9 * 64 * 128 + 9 * 128 * 128, 64 * 128
    right = convolutions + projection + 3 * 4 * 128
    if answer == convolutions + 2 * 4 * 128:
        raise Wrong("That leaves out the projection and its normalisation; the channels change, so there is one.")
    if answer == convolutions + projection + 2 * 4 * 128:
        raise Wrong("The projection has a normalisation too.")
    if answer == convolutions + projection + 3 * 2 * 128:
        raise Wrong(
            "A normalisation learns a scale and a shift, and stores a running mean and a running variance besides."
        )
    if answer == convolutions + projection:
        raise Wrong("Those are the convolutions; the three normalisations store numbers as well.")
    if answer == right + 3 * 128:
        raise Wrong("The convolutions have no bias: batch normalisation would subtract it again.")
    if answer != right:
        raise Wrong(f"{answer} is not the sum over three convolutions and three normalisations.")


@exercise(
    "04.2",
    hint="Three convolutions: 1x1 to a quarter of the channels, 3x3 there, 1x1 back to all of them, each with "
    "use_bias=False and followed by batch normalisation. ReLU stands between them, and after the addition.",
    solution="""
from keras import layers


def bottleneck(x):
    channels = x.shape[-1]
    branch = x
    for width, size in ((channels // 4, 1), (channels // 4, 3), (channels, 1)):
        branch = layers.Conv2D(width, size, padding="same", use_bias=False)(branch)
        branch = layers.BatchNormalization()(branch)
        if width != channels:
            branch = layers.ReLU()(branch)
    return layers.ReLU()(layers.Add()([x, branch]))


answer = bottleneck
""",
)
def bottleneck_block(answer: Callable) -> None:
    """Write bottleneck(x): the residual block of the deep ResNets, 1x1, 3x3 and 1x1 convolutions with shortcut."""
    import keras

    channels, inputs = 8, keras.Input((6, 5, 8))
    outputs = answer(inputs)
    if not isinstance(outputs, keras.KerasTensor):
        raise Wrong(f"It returned {type(outputs).__name__}; it should return what its last layer gives for x.")
    if outputs.shape != inputs.shape:
        raise Wrong(
            f"For an input of shape {inputs.shape} the result has shape {outputs.shape}; it should be the same."
        )
    block = keras.Model(inputs, outputs)
    convolutions = [layer for layer in block.layers if isinstance(layer, keras.layers.Conv2D)]
    shapes = [tuple(layer.kernel.shape) for layer in convolutions]
    wanted = [(1, 1, 8, 2), (3, 3, 2, 2), (1, 1, 2, 8)]
    if shapes != wanted:
        raise Wrong(f"For 8 channels the kernels should have the shapes {wanted}, and they have {shapes}.")
    if any(layer.use_bias for layer in convolutions):
        raise Wrong("A convolution before batch normalisation needs no bias: give it use_bias=False.")
    normalisations = [layer for layer in block.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if len(normalisations) != 3:
        raise Wrong("Each of the three convolutions should have its batch normalisation.")
    generator = np.random.default_rng(0)
    images = generator.normal(size=(3, 6, 5, channels)).astype("float32")
    before = np.asarray(block(images))
    if before.min() < 0:
        raise Wrong("The result should have passed a ReLU, and it has negative values.")
    kernels = [generator.normal(size=shape).astype("float32") for shape in shapes]
    for layer, kernel in zip(convolutions, kernels, strict=True):
        layer.kernel.assign(kernel)
    for layer in normalisations:  # all alike, and other than at first, so that it matters where they stand
        layer.moving_mean.assign(np.full(layer.moving_mean.shape, _RUNNING_MEAN))
        layer.moving_variance.assign(np.full(layer.moving_variance.shape, 1 - layer.epsilon))
    in_order = np.allclose(block(images), _bottleneck(images, kernels), rtol=1e-3, atol=1e-3)
    for layer in normalisations:
        layer.moving_mean.assign(np.zeros(layer.moving_mean.shape))
    for layer in convolutions:
        layer.kernel.assign(np.zeros(layer.kernel.shape))
    if not np.allclose(block(images), np.maximum(images, 0), atol=1e-5):
        raise Wrong("With all kernels zero only the shortcut is left, and the block should return relu(x).")
    if np.allclose(before, np.maximum(images, 0), atol=1e-3):
        raise Wrong("The convolutions have no influence on the result.")
    if not in_order:
        raise Wrong(
            "The order inside is another: each convolution, then its normalisation, then ReLU after the first two; the "
            "third one's normalisation is added to the shortcut as it is."
        )


def _bottleneck(images: np.ndarray, kernels: list[np.ndarray]) -> np.ndarray:
    """Return what the block computes with these kernels if a normalisation is to subtract ``_RUNNING_MEAN``."""
    maps = images
    for kernel, last in zip(kernels, (False, False, True), strict=True):
        maps = conv2d(maps, kernel, padding="same") - _RUNNING_MEAN
        maps = maps if last else np.maximum(maps, 0)
    return np.maximum(images + maps, 0)


@exercise(
    "04.3",
    hint="One draw for each image: keep = rng.random(len(branch)) >= rate, brought to the shape (n, 1, 1, 1).",
    solution="""
def drop_branch(branch, rate, rng, training):
    if not training:
        return branch
    keep = rng.random(len(branch)) >= rate
    return branch * keep[:, None, None, None] / (1 - rate)


answer = drop_branch
""",
)
def stochastic_depth(answer: Callable) -> None:
    """Write drop_branch(branch, rate, rng, training): while training, drop an image's whole branch at random."""
    branch = np.random.default_rng(0).normal(size=(2000, 2, 2, 3))
    given, rate = branch.copy(), 0.2
    if not np.array_equal(np.asarray(answer(branch, rate, np.random.default_rng(1), False)), given):
        raise Wrong("In inference (training=False) the branch should stay as it is.")
    result = np.asarray(answer(branch, rate, np.random.default_rng(1), True))
    if not np.array_equal(branch, given):
        raise Wrong("It changed the array that it was given; it should return a new one.")
    if result.shape != branch.shape:
        raise Wrong(f"It returned an array of shape {result.shape} for one of shape {branch.shape}.")
    dropped = np.all(result == 0, axis=(1, 2, 3))
    if np.any(np.any(result == 0, axis=(1, 2, 3)) != dropped):
        raise Wrong("Single values were dropped: it should be the whole branch of an image, or nothing of it.")
    if dropped.all() or not dropped.any():
        raise Wrong("All images were treated alike; each should have a draw of its own.")
    if abs(dropped.mean() - rate) > 0.05:
        raise Wrong(f"With rate={rate}, {dropped.mean():.0%} of the branches were dropped.")
    if not np.allclose(result[~dropped], branch[~dropped] / (1 - rate)):
        raise Wrong("A branch that is kept should be divided by 1 - rate, so that the expected value stays.")
    again = np.asarray(answer(branch, rate, np.random.default_rng(1), True))
    if not np.array_equal(result, again):
        raise Wrong("The same generator state should drop the same branches: draw only from rng.")
