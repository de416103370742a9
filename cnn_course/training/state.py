"""What a training carries from step to step, besides the weights: made before the first step, and set back."""

import keras
import numpy as np
from keras import ops


def build_state(model: keras.Model, classes: int) -> None:
    """Make the variables of a compiled classifier's optimiser and metrics, which ``fit`` would make in the first step.

    A step that makes variables is traced twice by ``tf.function``, once to make them and once without; a step that
    finds them is traced once. That is seconds of every training with TensorFlow, and nothing changes in its numbers.

    Args:
        model: A built and compiled model that returns ``classes`` numbers for each image.
        classes: Number of classes; its labels are whole numbers.
    """
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, np.zeros(1, "int64"), np.zeros((1, classes), "float32"))
    model.reset_metrics()


def forget_steps(optimiser: keras.optimizers.Optimizer) -> None:
    """Set an optimiser back to before its first step, so that a compiled model can be trained anew.

    Its velocities and its count of steps become zero; a learning rate that is a number and no schedule stays.
    """
    for variable in optimiser.variables:
        if "learning_rate" not in variable.path:
            variable.assign(ops.zeros_like(variable))
