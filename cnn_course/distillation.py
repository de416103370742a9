"""Knowledge distillation: a small network learns from the outputs of a large one. Derived in lesson 07.

G. Hinton, O. Vinyals and J. Dean 2015, "Distilling the knowledge in a neural network", arXiv 1503.02531.
"""

from typing import Any

import keras
from keras import ops


def soft_target_loss(teacher_logits: Any, student_logits: Any, *, temperature: float = 4.0) -> Any:
    """Return T² KL(teacher || student) of the probabilities at temperature T, one value for each image.

    At temperature T the probabilities are ``softmax(logits / T)``. The gradient of the divergence with respect to
    the student's logits falls as 1/T² (section 2.1 of the source); the factor keeps its size beside another loss.

    Args:
        teacher_logits: (n, k).
        student_logits: (n, k).
        temperature: Above 0; the higher, the more the small probabilities count.
    """
    teacher = ops.log_softmax(teacher_logits / temperature)
    student = ops.log_softmax(student_logits / temperature)
    return temperature**2 * ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)


class Distiller(keras.Model):
    """A student that ``fit`` trains on its labels and on the outputs of a teacher.

    ``compile`` gives the loss by the labels. To it comes :func:`soft_target_loss` on the same images: the total is
    ``(1 - weight) * loss + weight * soft target loss``. As only ``compute_loss`` is replaced, the same class trains on
    every backend of Keras.

    The teacher computes in inference mode, outside the gradient. It is no part of this model: its weights are neither
    trained, nor listed, nor saved with it. What is wanted afterwards is ``student``, an ordinary model.

    Args:
        student: Returns logits (n, k).
        teacher: Returns logits (n, k) of the same classes for the same images.
        temperature: That of both softmax functions, above 0.
        weight: Share of the soft target loss in the total, from 0 (labels alone) to 1 (teacher alone).
    """

    def __init__(
        self, student: keras.Model, teacher: keras.Model, *, temperature: float = 4.0, weight: float = 0.9
    ) -> None:
        super().__init__(name=f"distilled_{student.name}")
        if temperature <= 0:
            raise ValueError(f"temperature is {temperature}; it must be above 0.")
        if not 0 <= weight <= 1:
            raise ValueError(f"weight is {weight}; it is a share of the loss, from 0 to 1.")
        for name, network in (("student", student), ("teacher", teacher)):
            if _ends_in_softmax(network):
                raise ValueError(f"The {name} ends in a softmax. Leave it out: both must return logits.")
        # A subclassed network knows no shape before it is called.
        classes = [getattr(network, "output_shape", (None,))[-1] for network in (student, teacher)]
        if None not in classes and classes[0] != classes[1]:
            raise ValueError(
                f"The student tells {classes[0]} classes apart and the teacher {classes[1]}; they must be the same."
            )
        self.student = student
        self.temperature = temperature
        self.weight = weight
        # Within a function, Keras does not find the teacher and make it a part of this model.
        self._ask_teacher = lambda images: ops.stop_gradient(teacher(images, training=False))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the student's logits."""
        return self.student(inputs, training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the total loss in training, and that by the labels alone otherwise, so that students compare.

        What the student's layers add (regularisation) counts in full whatever ``weight`` is; ``sample_weight`` weighs
        both losses of an image. Where the teacher alone counts, ``compile`` needs no loss.
        """
        alone = training and self.weight == 1
        by_labels = 0.0 if alone else super().compute_loss(x, y, y_pred, sample_weight, training)  # with added losses
        if not training:
            return by_labels
        of_images = soft_target_loss(self._ask_teacher(x), y_pred, temperature=self.temperature)
        if sample_weight is not None:
            of_images *= ops.cast(ops.reshape(sample_weight, (-1,)), of_images.dtype)
        added = sum(ops.sum(each) for each in self.losses)
        return (1 - self.weight) * by_labels + self.weight * (ops.mean(of_images) + added)

    def save(self, *arguments: Any, **keywords: Any) -> None:
        """Refuse: without the teacher, which is not saved, a distiller could not be read back."""
        raise NotImplementedError(
            "A distiller is not saved, since it would need its teacher to be read back. Save what it has trained: "
            "distiller.student.save(file); or its weights alone, which are the student's: save_weights."
        )


def _ends_in_softmax(network: keras.Model) -> bool:
    """Return whether the last layer of a network is a softmax, as far as its layers are known."""
    last = network.layers[-1] if network.layers else None
    return isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax
