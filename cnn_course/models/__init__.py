"""Every architecture of the course, as plain functions that return a ``keras.Model``.

A model takes pixels as they are stored (0 to 255) and scales them itself, so that the scaling travels with it. A
classifier returns logits: its loss takes ``from_logits=True``.
"""

from cnn_course.models.fast import fast_network, student
from cnn_course.models.plain import averaging_cnn, cifar_cnn, mlp, small_cnn
from cnn_course.models.residual import cifar_network, residual_block, resnet8, resnet18, resnet20, resnet56
from cnn_course.models.trained import WeightsUnavailable, load_weights, save_weights, trained

__all__ = [
    "WeightsUnavailable",
    "averaging_cnn",
    "cifar_cnn",
    "cifar_network",
    "fast_network",
    "load_weights",
    "mlp",
    "residual_block",
    "resnet8",
    "resnet18",
    "resnet20",
    "resnet56",
    "save_weights",
    "small_cnn",
    "student",
    "trained",
]
