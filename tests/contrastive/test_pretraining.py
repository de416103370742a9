"""Pre-training: batches that depend on the step alone, and a training that goes on where it was stopped."""

import contextlib
import pathlib

import keras
import numpy as np
import pytest

from cnn_course import contrastive, datasets, lesson, models, training
from cnn_course.contrastive import pretraining


@pytest.fixture
def images():
    lesson.seed_everything(0)
    return datasets.load("shapes10", size=120).images


def model():
    keras.utils.set_random_seed(0)
    network = models.fast_network((None, None, 3), widths=(8, 8))
    simclr = contrastive.SimCLR(contrastive.encoder(network), contrastive.projection(8, width=8, outputs=4))
    simclr.compile(contrastive.pretraining_optimiser(4 * 3), jit_compile=False)
    return simclr


def test_an_epoch_shows_each_image_once_in_two_views(images):
    numbered = np.zeros((12, 8, 8, 3), "uint8") + (20 * np.arange(12, dtype="uint8"))[:, None, None, None]
    views = contrastive.Views(jitter=0.0, grey=0.0)
    batches = list(contrastive.pairs(numbered, views, batch_size=4, steps=(0, 6), seed=1).as_numpy_iterator())
    assert [batch.shape for batch in batches] == [(4, 2, 8, 8, 3)] * 6
    seen = [np.rint(batch.mean(axis=(2, 3, 4)) / 20).astype(int) for batch in batches]
    for epoch in (seen[:3], seen[3:]):
        numbers = np.concatenate(epoch)
        assert (numbers[:, 0] == numbers[:, 1]).all()
        assert sorted(numbers[:, 0]) == list(range(12))
    assert not np.array_equal(np.concatenate(seen[:3]), np.concatenate(seen[3:]))


def test_batches_depend_on_their_step_alone(images):
    whole = list(contrastive.pairs(images, batch_size=40, steps=(0, 6)).as_numpy_iterator())
    later = list(contrastive.pairs(images, batch_size=40, steps=(4, 6)).as_numpy_iterator())
    for one, other in zip(whole[4:], later, strict=True):
        np.testing.assert_array_equal(one, other)


class Interrupt(keras.callbacks.Callback):
    """Stop like a killed process, in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.now = epoch, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch:
            raise KeyboardInterrupt


class Epochs(keras.callbacks.Callback):
    """Note which epochs were begun."""

    def __init__(self):
        super().__init__()
        self.begun = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)


def test_a_stopped_training_goes_on_and_gives_the_same(images, tmp_path):
    how = {"epochs": 4, "batch_size": 40}
    whole = model()
    expected = contrastive.pretrain(whole, images, **how)
    stopped = model()
    with pytest.raises(KeyboardInterrupt):
        contrastive.pretrain(stopped, images, **how, backup=tmp_path / "kept", callbacks=[Interrupt(2)])
    assert len(list((tmp_path / "kept").iterdir())) == 2
    resumed, epochs = model(), Epochs()
    found = contrastive.pretrain(resumed, images, **how, backup=tmp_path / "kept", callbacks=[epochs])
    assert epochs.begun == [2, 3]  # a training from the beginning would give the same
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)
    for one, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert not list((tmp_path / "kept").iterdir())


def test_another_training_does_not_go_on_from_the_files_of_this_one(images, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        contrastive.pretrain(model(), images, epochs=4, batch_size=40, backup=tmp_path, callbacks=[Interrupt(2)])
    other = {"epochs": 4, "batch_size": 40, "seed": 1}
    expected = contrastive.pretrain(model(), images, **other)
    found = contrastive.pretrain(model(), images, **other, backup=tmp_path)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-5)


def test_the_files_of_another_training_are_gone_before_this_one_writes_its_own(images, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        contrastive.pretrain(model(), images, epochs=4, batch_size=40, backup=tmp_path, callbacks=[Interrupt(1)])
    assert list(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        contrastive.pretrain(model(), images, epochs=3, batch_size=40, backup=tmp_path, callbacks=[Interrupt(0)])
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_was_killed_while_it_removed_its_files_can_begin_anew(images, tmp_path, monkeypatch):
    removed = []

    def killed(path, missing_ok=False):
        if removed:
            raise KeyboardInterrupt
        removed.append(path)
        path.rename(tmp_path / "removed")

    with monkeypatch.context() as patched:
        patched.setattr(pathlib.Path, "unlink", killed)
        patched.setattr(pretraining, "replacing", lambda path: contextlib.nullcontext(path))
        with pytest.raises(KeyboardInterrupt):
            contrastive.pretrain(model(), images, epochs=1, batch_size=40, backup=tmp_path)
    assert len(removed) == 1
    assert len(contrastive.pretrain(model(), images, epochs=1, batch_size=40, backup=tmp_path)["loss"]) == 1


def test_a_trained_model_is_refused_until_its_steps_are_forgotten(images):
    trained = model()
    contrastive.pretrain(trained, images, epochs=1, batch_size=40)
    with pytest.raises(ValueError, match="forget_steps"):
        contrastive.pretrain(trained, images, epochs=1, batch_size=40)
    training.forget_steps(trained.optimizer)
    assert len(contrastive.pretrain(trained, images, epochs=1, batch_size=40)["loss"]) == 1


def test_too_few_images_are_refused(images):
    with pytest.raises(ValueError, match="larger than the set"):
        contrastive.pretrain(model(), images, epochs=1, batch_size=500)
