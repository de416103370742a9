"""The exercises of lesson 15."""

from collections.abc import Callable

import numpy as np

from cnn_course.exercises import Wrong, exercise


@exercise(
    "15.1",
    hint="The intersection is the 40 pixels. The union has the 60 of the one, the 50 of the other, and counts the "
    "intersection once.",
    solution="""
answer = 40 / (60 + 50 - 40)
""",
)
def intersection_over_union(answer: float) -> None:
    """The object covers 60 pixels, the answer of the network 50, and 40 are in both. What is the IoU?"""
    answer = float(answer)
    named = {
        "the Dice coefficient: there the intersection counts twice, over the sum of both areas": 2 * 40 / (60 + 50),
        "the share of the object that was found (recall)": 40 / 60,
        "the share of the answer that is right (precision)": 40 / 50,
        "the intersection over the sum of both areas, which counts the intersection twice": 40 / (60 + 50),
    }
    for name, value in named.items():
        if np.isclose(answer, value, atol=1e-3):
            raise Wrong(f"That is {name}.")
    if not np.isclose(answer, 40 / 70, atol=5e-3):  # 0.57 is an answer
        raise Wrong(f"{answer:.4g} is not the intersection over the union.")


@exercise(
    "15.2",
    hint="For each class: (predicted == k) and (truth == k) are two masks over all images. Take np.logical_and and "
    "np.logical_or of them, and leave a class out whose union is empty.",
    solution="""
import numpy as np


def mean_iou(predicted, truth, classes):
    values = []
    for k in range(classes):
        union = np.sum((predicted == k) | (truth == k))
        if union:
            values.append(np.sum((predicted == k) & (truth == k)) / union)
    return float(np.mean(values))


answer = mean_iou
""",
)
def mean_over_classes(answer: Callable) -> None:
    """Write mean_iou(predicted, truth, classes) for class numbers of pixels: the mean IoU of the classes that occur."""
    rng = np.random.default_rng(0)
    for classes, present, parted in ((4, 4, False), (5, 3, False), (5, 4, True)):
        truth = rng.choice(present, (6, 8, 8), p=np.arange(present, 0, -1) / np.arange(present + 1).sum())
        truth[0] = 0  # one image shows nothing but the ground
        predicted = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, present, truth.shape))
        if parted:  # class 2 is in the truth alone, class 3 in the answer alone
            predicted[predicted == 2], truth[truth == 3] = 1, 1
        given = predicted.copy(), truth.copy()
        with np.errstate(divide="ignore", invalid="ignore"):
            result = float(answer(predicted, truth, classes))
        if not (np.array_equal(predicted, given[0]) and np.array_equal(truth, given[1])):
            raise Wrong("It changed the arrays that it was given.")
        masks = [(predicted == k, truth == k) for k in range(classes)]
        common = np.array([(p & t).sum() for p, t in masks], float)
        union = np.array([(p | t).sum() for p, t in masks], float)
        per_class = common[union > 0] / union[union > 0]
        if np.isclose(result, per_class.mean()):
            continue
        if np.isnan(result):
            raise Wrong("A class that occurs nowhere gives 0 / 0; leave it out.")
        if np.isclose(result, per_class.sum() / classes):
            raise Wrong("A class that occurs nowhere counts as 0 in yours; leave it out of the mean.")
        if np.isclose(result, (predicted == truth).mean()):
            raise Wrong("That is the share of right pixels, in which a large ground hides everything else.")
        if np.isclose(result, common.sum() / union.sum()):
            raise Wrong("That counts all classes together, so that the largest decides; take the mean over classes.")
        if parted:
            raise Wrong("A class that occurs in only one of the two arrays counts too, with an IoU of 0.")
        if present < classes or np.isclose(result, per_class[1:].mean()):
            raise Wrong("Every class that occurs counts, the ground (0) too, and no other.")
        raise Wrong(f"It returned {result:.4g}, which is not the mean over the classes.")


@exercise(
    "15.3",
    hint="Part W, U and b into their thirds with np.split(W, 3, axis=-1), in the order z, r, g. The gate r multiplies "
    "h before the matrix U_g, and z is the share of the old state that stays.",
    solution="""
import numpy as np


def gru_step(x, h, W, U, b):
    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    (W_z, W_r, W_g), (U_z, U_r, U_g), (b_z, b_r, b_g) = (np.split(each, 3, axis=-1) for each in (W, U, b))
    z = sigmoid(x @ W_z + h @ U_z + b_z)
    r = sigmoid(x @ W_r + h @ U_r + b_r)
    g = np.tanh(x @ W_g + (r * h) @ U_g + b_g)
    return z * h + (1 - z) * g


answer = gru_step
""",
)
def step_of_a_gru(answer: Callable) -> None:
    """Write gru_step(x, h, W, U, b): one step of a gated recurrent unit for the rows of x and h."""
    import keras

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    layer = keras.layers.GRUCell(5, reset_after=False)
    x, h = rng.normal(size=(4, 3)).astype("float32"), rng.normal(size=(4, 5)).astype("float32")
    layer(x, [h])
    W, U, b = (rng.normal(size=weight.shape).astype("float32") for weight in layer.get_weights())
    layer.set_weights([W, U, b])
    expected = np.asarray(layer(x, [h])[0])
    given = h.copy()
    result = np.asarray(answer(x, h, W, U, b))
    if not np.array_equal(h, given):
        raise Wrong("It changed the state that it was given.")
    if result.shape != expected.shape:
        raise Wrong(f"For a state of shape {h.shape} it returned {result.shape}.")
    if np.allclose(result, expected, atol=1e-4):
        return

    def other(swapped: bool = False, reset_after: bool = False, gates: tuple = (0, 1), bias: float = 1) -> np.ndarray:
        parts = [np.split(each, 3, axis=-1) for each in (W, U, b)]
        z, r = (1 / (1 + np.exp(-(x @ parts[0][k] + h @ parts[1][k] + bias * parts[2][k]))) for k in gates)
        from_state = r * (h @ parts[1][2]) if reset_after else (r * h) @ parts[1][2]
        g = np.tanh(x @ parts[0][2] + from_state + bias * parts[2][2])
        return (1 - z) * h + z * g if swapped else z * h + (1 - z) * g

    for mistake, message in (
        ({"swapped": True}, "The shares are swapped: z is that of the old state."),
        ({"reset_after": True}, "The gate r multiplies the state before the matrix U_g, not its product with U_g."),
        ({"gates": (1, 0)}, "The first third of each array belongs to z, the second to r."),
        ({"bias": 0}, "The biases are missing."),
    ):
        if np.allclose(result, other(**mistake), atol=1e-4):
            raise Wrong(message)
    raise Wrong("The new state is not that of Keras' GRUCell(reset_after=False).")
