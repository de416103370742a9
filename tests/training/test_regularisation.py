"""The parts of a training against loops, formulas and Keras; what a training prints, and that it repeats."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import datasets, training


def moved(image, mirrored, down, right, shift):
    height, width = image.shape[:2]
    padded = np.pad(image, ((shift, shift), (shift, shift), (0, 0)), mode="reflect")
    window = padded[down : down + height, right : right + width]
    return window[:, ::-1] if mirrored else window


@given(
    height=st.integers(4, 9),
    width=st.integers(4, 9),
    channels=st.integers(1, 3),
    shift=st.integers(0, 3),
    seed=st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
)
@settings(deadline=None, max_examples=25)
def test_each_image_is_one_of_those_that_flip_and_shift_can_make(height, width, channels, shift, seed):
    images = np.random.default_rng(0).normal(size=(5, height, width, channels)).astype("float32")
    result = training.flip_and_shift(tf.constant(images), seed, shift=shift).numpy()
    places = range(2 * shift + 1)
    for before, after in zip(images, result, strict=True):
        made = [moved(before, m, down, right, shift) for m in (False, True) for down in places for right in places]
        assert any(np.array_equal(after, one) for one in made)


def test_flip_and_shift_makes_all_of_them_about_equally_often():
    image = np.arange(36, dtype="float32").reshape(1, 6, 6, 1)
    many = training.flip_and_shift(tf.repeat(tf.constant(image), 9000, axis=0), [1, 2], shift=1).numpy()
    _, counts = np.unique(many.reshape(len(many), -1), axis=0, return_counts=True)
    assert len(counts) == 2 * 3 * 3
    assert abs(counts / 500 - 1).max() < 0.25  # 500 of each are expected; the standard deviation is 4 %


def test_flip_and_shift_is_a_function_of_its_seed():
    images = tf.random.stateless_uniform((16, 8, 8, 3), [0, 0])
    first, again, other = (training.flip_and_shift(images, seed) for seed in ([4, 5], [4, 5], [4, 6]))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_pipeline_draws_its_augmentation_anew_in_each_epoch_and_again_with_the_same_seed():
    data = datasets.load("shapes10", size=60)

    def two_epochs():
        keras.utils.set_random_seed(0)
        pipeline = datasets.batches(data, 20, augment=training.FlipAndShift(seed=3))
        return [np.concatenate([images for images, _ in pipeline]) for _ in range(2)]

    (first, second), (again, _) = two_epochs(), two_epochs()
    assert np.any(first != second, axis=(1, 2, 3)).mean() > 0.8
    assert np.array_equal(first, again)


@given(
    peak=st.floats(1e-4, 10),
    steps=st.integers(1, 5000),
    warmup=st.floats(0.01, 0.99),
    start=st.floats(0, 1),
    end=st.floats(0, 1),
)
@settings(deadline=None, max_examples=30)
def test_the_triangle_is_two_lines_and_stays_at_its_end(peak, steps, warmup, start, end):
    schedule = training.TriangularSchedule(peak, steps, warmup=warmup, start=start, end=end)
    at = np.unique(np.linspace(0, 1.2 * steps, 13).astype(int))
    expected = peak * np.interp(at / steps, [0, warmup, 1], [start, 1, end])
    np.testing.assert_allclose([float(schedule(step)) for step in at], expected, rtol=1e-3, atol=1e-4 * peak)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [((0, 10), "positive"), ((0.1, 0), "positive"), ((0.1, 10, 0), "warmup"), ((0.1, 10, 1), "warmup")],
)
def test_a_triangle_that_cannot_be_is_refused(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        training.TriangularSchedule(*arguments[:2], **({"warmup": arguments[2]} if arguments[2:] else {}))


@given(st.integers(2, 6), st.integers(1, 8), st.floats(0, 0.9), st.integers(0, 1000))
@settings(deadline=None, max_examples=25)
def test_the_smoothed_loss_is_keras_own_on_one_hot_labels(classes, count, smoothing, seed):
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 3, (count, classes)).astype("float32")
    labels = generator.integers(0, classes, count)
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    ours = training.SmoothedCrossentropy(smoothing)
    for given_labels in (labels, labels[:, np.newaxis]):
        expected = float(theirs(np.eye(classes)[labels], logits))
        assert float(ours(given_labels, logits)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_smoothing_of_everything_is_refused():
    with pytest.raises(ValueError, match="from 0 to below 1"):
        training.SmoothedCrossentropy(1.0)


@pytest.fixture
def trained():
    """A small model after some steps, and what was printed and measured meanwhile."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    schedule = training.TriangularSchedule(0.1, 30, end=0.1)
    model.compile(keras.optimizers.SGD(schedule), training.SmoothedCrossentropy(0.2), metrics=["accuracy"])
    return model


DATA = np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 3


def test_a_saved_model_keeps_its_schedule_and_its_loss(trained, tmp_path):
    trained.fit(*DATA, verbose=0)
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == trained.loss.get_config()
    config = loaded.optimizer.get_config()["learning_rate"]["config"]
    assert config == {"peak": 0.1, "steps": 30, "warmup": 0.25, "start": 0.1, "end": 0.1}


def test_the_log_prints_chosen_epochs_the_loss_first_and_the_validation_last(trained, capsys):
    log = training.EpochLog(every=4, label="run A")
    trained.fit(*DATA, epochs=10, validation_split=0.2, verbose=0, callbacks=[log])
    lines = capsys.readouterr().out.splitlines()
    number = r"\d\.\d{3}"
    for line, epoch in zip(lines, ("epoch  4/10", "epoch  8/10", "epoch 10/10"), strict=True):
        values = f"loss {number}  accuracy {number}  val_accuracy {number}"
        assert re.fullmatch(rf"run A  {epoch}  {values}  \d+\.\d s", line)
    assert len(log.seconds) == 10


def test_the_log_of_a_training_in_two_fits_counts_all_its_epochs(trained, capsys):
    log = training.EpochLog(epochs=4)
    trained.fit(*DATA, epochs=2, verbose=0, callbacks=[log])
    trained.fit(*DATA, initial_epoch=2, epochs=4, verbose=0, callbacks=[log])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/4", "epoch 2/4", "epoch 3/4", "epoch 4/4"]


def test_the_step_rate_counts_the_steps_after_the_first(trained):
    clock = training.StepRate(skip=3)
    with pytest.raises(ValueError, match="train for longer"):
        _ = clock.steps_per_second
    for _ in range(2):  # a second fit begins anew
        trained.fit(*DATA, batch_size=10, epochs=2, verbose=0, callbacks=[clock])
        assert clock._steps == 8
        assert clock.steps_per_second == pytest.approx(5 / (clock._ended - clock._began))
    trained.fit(*DATA, batch_size=20, verbose=0, callbacks=[clock])
    with pytest.raises(ValueError, match="2 steps, of which 3"):
        _ = clock.steps_per_second


@pytest.mark.parametrize("build", [lambda: training.EpochLog(every=0), lambda: training.StepRate(skip=0)])
def test_counts_of_nothing_are_refused(build):
    with pytest.raises(ValueError, match="at least"):
        build()


def test_the_rate_of_a_pipeline_counts_images_and_leaves_the_first_batches_out(monkeypatch):
    times = iter([0.0, 10.0, 12.0])  # begun, after the first batch, at the end
    monkeypatch.setattr(training.progress.time, "perf_counter", lambda: next(times))
    batches = [(np.zeros((size, 2)), None) for size in (7, 5, 3)]
    assert training.images_per_second(batches) == pytest.approx((5 + 3) / 2)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="no more than the 3"):
        training.images_per_second(batches, skip=3)


@given(st.integers(5, 40), st.integers(1, 9), st.integers(0, 3), st.integers(0, 100))
@settings(deadline=None, max_examples=20)
def test_batches_by_step_go_through_an_epoch_once_and_in_another_order_the_next_time(count, batch_size, epoch, seed):
    batch_size = min(batch_size, count)
    steps = count // batch_size
    images, numbers = np.zeros((count, 4, 4, 1), "float32"), np.arange(count)

    def seen(epoch):
        steps_of_epoch = range(epoch * steps, (epoch + 1) * steps)
        batch = [training.batch_at(k, images, numbers, batch_size=batch_size, seed=seed)[1] for k in steps_of_epoch]
        return np.concatenate(batch)

    assert len(np.unique(seen(epoch))) == steps * batch_size
    if count >= 12:
        assert not np.array_equal(seen(epoch), seen(epoch + 1))


def test_batches_by_step_are_the_same_inside_a_pipeline_begun_in_the_middle():
    data = datasets.load("shapes10", size=40)

    def batch(step):
        return training.batch_at(step, data.images, data.labels, batch_size=8, seed=2)

    pipeline = tf.data.Dataset.range(7, 9).map(batch)
    for step, (images, labels) in zip((7, 8), pipeline, strict=True):
        expected_images, expected_labels = batch(tf.constant(step, tf.int64))
        assert np.array_equal(images, expected_images)
        assert np.array_equal(labels, expected_labels)


@pytest.mark.parametrize("name", list(training.ABLATION))
def test_each_variant_differs_from_none_in_its_own_point(name):
    variant, plain = training.ABLATION[name], training.ABLATION["none"]
    changed = [field for field, value in vars(variant).items() if value != vars(plain)[field]]
    expected = {"none": 0, "all together": 5}.get(name, 1)
    assert len(changed) == expected


def test_a_regularised_training_learns_and_repeats_bit_for_bit():
    data = datasets.load("shapes10", size=80)
    variant = training.Regularisation(l2=1e-4, dropout=0.1, batch_norm=True, augmentation=True, label_smoothing=0.1)

    def weights():
        keras.utils.set_random_seed(0)
        model, history = training.train_regularised(
            data, data, variant, epochs=3, batch_size=16, peak_rate=3e-3, widths=(8,), units=16
        )
        return model.get_weights(), history

    (first, history), (second, _) = weights(), weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert history["loss"][-1] < history["loss"][0]
    assert len(history["val_accuracy"]) == 3
