"""What a training prints and how its rate is measured, and that a saved model keeps how it was trained."""

import re

import keras
import numpy as np
import pytest

from cnn_course import training


@pytest.fixture
def model():
    """A small model, compiled with the course's schedule and loss."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    schedule = training.TriangularSchedule(0.1, 30, end=0.1)
    loss = training.SmoothedCrossentropy(0.2)
    model.compile(keras.optimizers.SGD(schedule), loss, metrics=["accuracy"], jit_compile=False)
    return model


DATA = np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 3


def test_a_saved_model_keeps_its_schedule_and_its_loss(model, tmp_path):
    model.fit(*DATA, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.get_config() == model.loss.get_config()
    config = loaded.optimizer.get_config()["learning_rate"]["config"]
    assert config == {"peak": 0.1, "steps": 30, "warmup": 0.25, "start": 0.1, "end": 0.1}


def test_the_log_prints_chosen_epochs_the_loss_first_and_the_validation_last(model, capsys):
    log = training.EpochLog(every=4, label="run A")
    model.fit(*DATA, epochs=10, validation_split=0.2, verbose=0, callbacks=[log])
    lines = capsys.readouterr().out.splitlines()
    number = r"\d\.\d{3}"
    for line, epoch in zip(lines, ("epoch  4/10", "epoch  8/10", "epoch 10/10"), strict=True):
        values = f"loss {number}  accuracy {number}  val_accuracy {number}"
        assert re.fullmatch(rf"run A  {epoch}  {values}  \d+\.\d s", line)
    assert len(log.seconds) == 10


def test_the_log_of_a_training_in_two_fits_counts_all_its_epochs(model, capsys):
    log = training.EpochLog(epochs=4)
    model.fit(*DATA, epochs=2, verbose=0, callbacks=[log])
    model.fit(*DATA, initial_epoch=2, epochs=4, verbose=0, callbacks=[log])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/4", "epoch 2/4", "epoch 3/4", "epoch 4/4"]


def test_the_step_rate_counts_the_steps_after_the_first(model):
    clock = training.StepRate(skip=3)
    with pytest.raises(ValueError, match="train for longer"):
        _ = clock.steps_per_second
    for _ in range(2):  # a second fit begins anew
        model.fit(*DATA, batch_size=10, epochs=2, verbose=0, callbacks=[clock])
        assert clock._steps == 8
        assert clock.steps_per_second == pytest.approx(5 / (clock._ended - clock._began))
    model.fit(*DATA, batch_size=20, verbose=0, callbacks=[clock])
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
