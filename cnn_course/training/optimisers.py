"""Muon for convolutions: steps of equal strength in every direction of a kernel. Derived in lesson 04."""

from typing import Any

import keras
from keras import ops

# Coefficients of the odd polynomial a s + b s^3 + c s^5, which lifts every singular value s of (0, 1] towards 1 quickly
# rather than exactly (Jordan 2024, "Muon: An optimizer for hidden layers in neural networks").
QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Any, *, steps: int = 3) -> Any:
    """Return the matrix (..., m, n) with its singular vectors kept and its singular values brought near 1.

    U S V^T becomes about U V^T, by ``steps`` Newton-Schulz iterations, which need products of matrices only. After
    five, singular values that were above a hundredth of their root sum of squares lie between 0.7 and 1.2; fewer
    steps are cheaper, and leave the small values smaller.
    """
    a, b, c = QUINTIC
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = ops.swapaxes(matrix, -2, -1) if tall else matrix
    # No singular value is larger than the root of the sum of their squares.
    x = x / (ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True)) + 1e-7)
    for _ in range(steps):
        square = ops.matmul(x, ops.swapaxes(x, -2, -1))
        x = a * x + ops.matmul(b * square + c * ops.matmul(square, square), x)
    return ops.swapaxes(x, -2, -1) if tall else x


@keras.saving.register_keras_serializable("cnn_course")
class Muon(keras.optimizers.Optimizer):
    """Muon for the kernels of convolutions, SGD with Nesterov momentum for all other weights.

    The gradient of a kernel is usually dominated by a few directions; Muon makes the step equally strong in all of them
    (:func:`orthogonalise`, on the kernel as a matrix of (height x width x channels in, channels out)). Each kernel is
    kept at the length that a matrix of equally strong directions has. What follows it is a normalisation, for which the
    length does not matter, so that the learning rate says by what fraction a kernel is turned in one step.

    Keras' own ``Muon`` leaves kernels of four axes to AdamW.

    Args:
        learning_rate: Of the kernels; a fraction of their length, or a schedule of it.
        momentum: Of the kernels' gradients.
        steps: Newton-Schulz iterations.
        matrix_rate: Learning rate of dense layers, as a multiple of ``learning_rate``.
        vector_rate: Learning rate of biases and shifts, as a multiple of ``learning_rate``.
        sgd_momentum: Nesterov momentum of everything but the kernels.
        name: Of the optimiser.
        keywords: Those of every Keras optimiser.
    """

    def __init__(
        self,
        learning_rate: Any = 0.24,
        *,
        momentum: float = 0.6,
        steps: int = 3,
        matrix_rate: float = 1.0,
        vector_rate: float = 1.0,
        sgd_momentum: float = 0.85,
        name: str = "muon",
        **keywords: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **keywords)
        if steps < 1 or not 0 <= momentum < 1 or not 0 <= sgd_momentum < 1:
            raise ValueError(
                f"steps is {steps}, momentum {momentum} and sgd_momentum {sgd_momentum}; there must be at least one "
                "step, and momenta lie from 0 to below 1."
            )
        self.momentum = momentum
        self.steps = steps
        self.matrix_rate = matrix_rate
        self.vector_rate = vector_rate
        self.sgd_momentum = sgd_momentum

    def build(self, variables: list[keras.Variable]) -> None:
        """Make a velocity for each variable."""
        if self.built:
            return
        super().build(variables)
        self.velocities = [self.add_variable_from_reference(variable, "velocity") for variable in variables]

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Take one step with one variable."""
        gradient = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        velocity = self.velocities[self._get_variable_index(variable)]
        kernel = len(variable.shape) == 4
        momentum = self.momentum if kernel else self.sgd_momentum
        self.assign(velocity, momentum * velocity + gradient)
        ahead = gradient + momentum * velocity  # Nesterov: as if the next step's momentum had been taken already
        if kernel:
            matrix = ops.reshape(ahead, (-1, variable.shape[-1]))
            turn = ops.reshape(orthogonalise(matrix, steps=self.steps), variable.shape)
            length = min(matrix.shape) ** 0.5  # of a matrix whose singular values are all 1
            current = ops.sqrt(ops.sum(ops.square(variable))) + 1e-7
            self.assign(variable, variable * (length / current) - rate * turn)
        else:
            scale = self.matrix_rate if len(variable.shape) == 2 else self.vector_rate
            self.assign_sub(variable, rate * scale * ahead)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, as Keras needs them to save a compiled model."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "steps": self.steps,
            "matrix_rate": self.matrix_rate,
            "vector_rate": self.vector_rate,
            "sgd_momentum": self.sgd_momentum,
        }
