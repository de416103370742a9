"""The exercises of lesson 01."""

from collections.abc import Sequence

import numpy as np

from cnn_course.convolution import Window, conv2d, conv2d_parameters, output_size, receptive_field
from cnn_course.exercises import Wrong, exercise

# Of exercise 01.3: the channels of every layer, the field to reach, and the weights that may be spent on it.
CHANNELS = 16
FIELD = 31
MOST_PARAMETERS = 9_500


@exercise(
    "01.1",
    hint='With padding "same" a side has ceil(size / stride) outputs, whatever the kernel; and each filter gives one '
    "channel.",
    solution="answer = (1, 112, 112, 64)",
)
def shape_of_an_output(answer: tuple[int, int, int, int]) -> None:
    """Which shape does a 7x7 convolution with stride 2, padding "same" and 64 filters make of (1, 224, 224, 3)?"""
    if np.ndim(answer) != 1:
        raise Wrong("A shape is a tuple of whole numbers, such as (1, 224, 224, 3).")
    shape = tuple(int(number) for number in answer)
    valid = output_size(224, 7, stride=2)
    if len(shape) != 4:
        raise Wrong(f"An output has four dimensions, (images, height, width, filters); yours has {len(shape)}.")
    if shape[1:3] == (valid, valid):
        raise Wrong(f'{valid} is the size with padding "valid".')
    if shape[3] == 3:
        raise Wrong("The last dimension is not the channels of the image.")
    side = output_size(224, 7, stride=2, padding="same")
    if shape != (1, side, side, 64):
        raise Wrong(f"{shape} is not the shape.")


@exercise(
    "01.2",
    hint="Positive numbers on one side of the diagonal, negative ones on the other, zeros along it.",
    solution="""
import numpy as np

answer = np.array([[0.0, 1.0, 2.0], [-1.0, 0.0, 1.0], [-2.0, -1.0, 0.0]])
""",
)
def diagonal_edges(answer: np.ndarray) -> None:
    """Write a 3x3 kernel for edges that run from top left to bottom right: none answer as strongly."""
    kernel = np.asarray(answer, dtype=float)
    if kernel.shape != (3, 3):
        raise Wrong(f"The kernel should have the shape (3, 3), not {kernel.shape}.")
    strength = {name: float(np.abs(_respond(image, kernel)).max()) for name, image in _edges().items()}
    if strength["none"] > 1e-6:
        raise Wrong("Where all pixels are alike it should answer 0: its entries have to sum to 0.")
    wanted = strength["top left to bottom right"]
    for name in ("horizontal", "vertical"):
        if not wanted > strength[name]:
            raise Wrong(f"It answers a {name} edge with {strength[name]:g} and the diagonal one with {wanted:g}.")
    other = strength["bottom left to top right"]
    if other > wanted / 4:
        raise Wrong(
            f"It answers the edge along the other diagonal with {other:g}, and should with no more than a quarter "
            f"of {wanted:g}."
        )


@exercise(
    "01.3",
    hint="Each layer adds dilation * (kernel - 1) pixels to the field, and its weights do not depend on the dilation. "
    "Let the dilation grow from layer to layer, but not so fast that pixels between its entries are left out.",
    solution="""
# How far? A kernel of k multiplies the field by k at most and costs k * k weights, which is cheapest for k = 2:
# [(2, 1), (2, 2), (2, 4), (2, 8), (2, 16)] reaches 32 pixels with 5,200 parameters. What speaks against it: a kernel
# of 2 has no middle, so that padding "same" moves the picture, and each pixel reaches an output by a single path.
answer = [(3, 1), (3, 2), (3, 4), (3, 8)]
""",
)
def a_wide_field_at_a_small_price(answer: Sequence[tuple[int, int]]) -> None:
    """List (kernel, dilation) of stride-1 convolutions, 16 to 16 channels: field of 31 or more, no pixel left out."""
    if np.ndim(answer) != 2 or np.shape(answer)[1] != 2:
        raise Wrong("The answer should be a list of pairs (kernel, dilation), one for each layer: [(3, 1), (3, 2)].")
    layers = [(int(kernel), int(dilation)) for kernel, dilation in answer]
    field = receptive_field([Window(kernel, dilation=dilation) for kernel, dilation in layers]).size
    if field < FIELD:
        raise Wrong(f"The receptive field has {field} pixels along an axis; {FIELD} are asked for.")
    seen = {0}
    for kernel, dilation in layers:
        seen = {pixel + tap * dilation for pixel in seen for tap in range(kernel)}
    if len(seen) < field:
        raise Wrong(f"Of the {field} pixels along an axis only {len(seen)} reach the output: the dilation leaves gaps.")
    spent = sum(conv2d_parameters(kernel, CHANNELS, CHANNELS) for kernel, _ in layers)
    if spent > MOST_PARAMETERS:
        raise Wrong(f"The field is wide enough, with {spent:,} parameters; at most {MOST_PARAMETERS:,} may be spent.")


def _respond(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return conv2d(image[None, :, :, None], kernel[:, :, None, None])[0, :, :, 0]


def _edges() -> dict[str, np.ndarray]:
    """Return images (8, 8) of a bright side beside a dark one, the edge in each of four directions, and of no edge."""
    row, column = np.indices((8, 8))
    sides = {
        "none": row >= 0,
        "horizontal": row < 4,
        "vertical": column >= 4,
        "top left to bottom right": column > row,
        "bottom left to top right": column + row > 7,
    }
    return {name: bright.astype(float) for name, bright in sides.items()}
