"""Distillation: the loss against SciPy and Keras, the factor T², and a teacher that is heard but never changed."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from cnn_course import datasets, distillation, lesson, models, training


def logits(seed, shape=(5, 7)):
    return np.random.default_rng(seed).normal(0, 3, (2, *shape)).astype("float32")


@given(seed=st.integers(0, 999), temperature=st.floats(0.5, 20), shape=st.tuples(st.integers(1, 9), st.integers(2, 9)))
@settings(deadline=None)
def test_the_loss_is_the_divergence_from_teacher_to_student(seed, temperature, shape):
    teacher, student = logits(seed, shape)
    p, q = (special.softmax(z.astype("float64") / temperature, axis=1) for z in (teacher, student))
    expected = temperature**2 * special.rel_entr(p, q).sum(axis=1)
    found = distillation.soft_target_loss(teacher, student, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * temperature**2)


@pytest.mark.parametrize("temperature", [1.0, 4.0, 10.0])
def test_it_agrees_with_keras(temperature):
    teacher, student = logits(0)
    # Given by its name, as by default, the divergence is taken of the logits themselves (Keras 3.15).
    loss = keras.distillation.LogitsDistillation(temperature, keras.losses.KLDivergence())
    theirs = loss.compute_loss(teacher, student)
    ours = np.mean(distillation.soft_target_loss(teacher, student, temperature=temperature))
    assert ours == pytest.approx(float(theirs), rel=1e-3)


def test_the_factor_keeps_the_size_of_the_gradient_at_high_temperatures():
    teacher, student = logits(1)

    def size(temperature):
        with tf.GradientTape() as tape:
            z = tf.constant(student)
            tape.watch(z)
            loss = tf.reduce_mean(distillation.soft_target_loss(teacher, z, temperature=temperature))
        return float(tf.norm(tape.gradient(loss, z)))

    assert size(100.0) == pytest.approx(size(50.0), rel=0.05)
    assert size(100.0) > 0.1 * size(1.0)


@pytest.fixture
def shapes():
    lesson.seed_everything(0)
    return datasets.load("shapes10", size=200)


def small(width=8, dropout=0.0):
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(width, 3, strides=2, activation="relu")(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(dropout)(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, keras.layers.Dense(10)(x))


def compiled(distiller):
    loss = training.SmoothedCrossentropy(0.0)
    distiller.compile(keras.optimizers.Adam(1e-2), loss, metrics=["accuracy"], jit_compile=False)
    return distiller


def test_the_teacher_is_neither_trained_nor_listed_nor_changed(shapes):
    teacher, student = small(dropout=0.5), small()
    before = teacher.get_weights()
    distiller = compiled(distillation.Distiller(student, teacher))
    distiller.fit(shapes.images, shapes.labels, batch_size=50, epochs=2, verbose=0)
    assert {id(w) for w in distiller.weights} == {id(w) for w in student.weights}
    for now, then in zip(teacher.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)  # the running averages of its batch norm among them


def test_the_training_loss_is_the_weighted_sum_with_the_teacher_in_inference_mode(shapes):
    teacher, student = small(dropout=0.5), small()
    distiller = compiled(distillation.Distiller(student, teacher, temperature=3.0, weight=0.7))
    images, labels = shapes.images[:50].astype("float32"), shapes.labels[:50]
    predicted = student(images)
    found = distiller.compute_loss(images, labels, predicted, training=True)
    soft = distillation.soft_target_loss(teacher(images, training=False), predicted, temperature=3.0)
    hard = training.SmoothedCrossentropy(0.0)(labels, predicted)
    assert float(found) == pytest.approx(0.3 * float(hard) + 0.7 * float(np.mean(soft)), rel=1e-4)
    assert float(distiller.compute_loss(images, labels, predicted, training=False)) == pytest.approx(
        float(hard), rel=1e-4
    )


def test_only_the_student_is_saved(shapes, tmp_path):
    teacher, student = small(2000), small()
    distiller = compiled(distillation.Distiller(student, teacher))
    distiller.fit(shapes.images[:50], shapes.labels[:50], verbose=0)
    distiller.save_weights(tmp_path / "distiller.weights.h5")
    of_teacher = 4 * teacher.count_params()  # bytes; by far more than the student's weights and Adam's slots
    assert of_teacher > 100 * 4 * student.count_params()
    assert (tmp_path / "distiller.weights.h5").stat().st_size < of_teacher
    student.save(tmp_path / "student.keras")
    again = keras.saving.load_model(tmp_path / "student.keras")
    np.testing.assert_allclose(again(shapes.images[:5]), student(shapes.images[:5]), atol=1e-5)


def test_regularisation_counts_in_full_and_weights_of_images_reach_both_losses(shapes):
    penalty = keras.regularizers.L2(0.1)
    student = keras.Sequential(
        [keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10, kernel_regularizer=penalty)]
    )
    teacher = small()
    distiller = compiled(distillation.Distiller(student, teacher, temperature=3.0, weight=0.7))
    images, labels = shapes.images[:4].astype("float32") / 255, shapes.labels[:4]
    predicted, weights = student(images), np.array([0.0, 1.0, 2.0, 3.0], "float32")
    soft = distillation.soft_target_loss(teacher(images, training=False), predicted, temperature=3.0)
    hard = [float(training.SmoothedCrossentropy(0.0)(labels[k : k + 1], predicted[k : k + 1])) for k in range(4)]
    expected = np.mean(weights * (0.3 * np.array(hard) + 0.7 * np.asarray(soft)))
    expected += 0.1 * np.sum(np.square(student.layers[-1].kernel))
    found = distiller.compute_loss(images, labels, predicted, sample_weight=weights)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_the_student_copies_its_teacher_and_not_its_labels(shapes):
    """With weight 1 the labels are not heard: a student of wrong labels answers as its teacher does."""
    teacher = compiled(distillation.Distiller(small(), small(), weight=0.0))  # learns from its labels alone
    teacher.fit(shapes.images, shapes.images[:, 0, 0, 0] // 26, batch_size=20, epochs=20, verbose=0)
    asked = teacher.student.predict(shapes.images, verbose=0).argmax(axis=1)
    wrong = np.random.default_rng(0).permutation(shapes.labels)
    distiller = compiled(distillation.Distiller(small(), teacher.student, temperature=2.0, weight=1.0))
    distiller.fit(shapes.images, wrong, batch_size=20, epochs=30, verbose=0)
    answered = distiller.student.predict(shapes.images, verbose=0).argmax(axis=1)
    commonest = max(np.bincount(asked)) / len(asked)
    assert (answered == asked).mean() > commonest + 0.3 * (1 - commonest)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"temperature": 0.0}, "above 0"), ({"weight": 1.5}, "from 0 to 1"), ({"teacher": 3}, "must be the same")],
)
def test_what_makes_no_sense_is_refused(settings, message):
    teacher = models.averaging_cnn((32, 32, 3), settings.pop("teacher")) if "teacher" in settings else small()
    with pytest.raises(ValueError, match=message):
        distillation.Distiller(small(), teacher, **settings)


def test_a_network_that_ends_in_a_softmax_is_refused():
    ended = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    with pytest.raises(ValueError, match="The student ends in a softmax"):
        distillation.Distiller(ended, small())
    with pytest.raises(ValueError, match="The teacher ends in a softmax"):
        distillation.Distiller(small(), keras.Sequential([small(), keras.layers.Softmax()]))


def test_a_subclassed_student_learns_from_its_teacher_alone_without_a_loss_of_labels(shapes):
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = small()

        def call(self, images, training=None):
            return self.inner(images, training=training)

    distiller = distillation.Distiller(Subclassed(), small(), weight=1.0)
    distiller.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    losses = distiller.fit(shapes.images, shapes.labels, batch_size=20, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_a_checkpoint_of_the_distiller_is_refused_and_the_student_is_named(shapes, tmp_path):
    distiller = compiled(distillation.Distiller(small(), small()))
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "distiller.keras")
    with pytest.raises(NotImplementedError, match=r"distiller\.student\.save"):
        distiller.fit(shapes.images[:50], shapes.labels[:50], callbacks=[checkpoint], verbose=0)
    assert list(tmp_path.iterdir()) == []
