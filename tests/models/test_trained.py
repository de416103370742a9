"""Half-precision weights: what is written is read again, and a file that does not fit is refused with the remedy."""

import keras
import numpy as np
import pytest

from cnn_course import bundled, datasets, models, training


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return models.student()


def test_weights_come_back_to_three_digits(model, tmp_path):
    models.save_weights(model, tmp_path / "student.npz")
    keras.utils.set_random_seed(1)
    again = models.trained("student", file=tmp_path / "student.npz")
    for before, after in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-6)
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("uint8")
    np.testing.assert_allclose(model(images), again(images), atol=1e-2)
    assert (tmp_path / "student.npz").stat().st_size < 2.3 * model.count_params()


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half of one"])
def test_a_broken_file_is_refused(content, tmp_path):
    (tmp_path / "student.npz").write_bytes(content)
    with pytest.raises(models.WeightsUnavailable, match=r"cannot be read .*train it anew"):
        models.trained("student", file=tmp_path / "student.npz")


def test_a_single_array_is_refused(tmp_path):
    np.save(tmp_path / "student.npy", np.zeros(3))
    with pytest.raises(models.WeightsUnavailable, match="cannot be read"):
        models.trained("student", file=tmp_path / "student.npy")


def test_a_missing_file_and_an_unknown_network_are_refused(tmp_path):
    with pytest.raises(models.WeightsUnavailable, match="are not in"):
        models.trained("student", file=tmp_path / "student.npz")
    with pytest.raises(ValueError, match="fast_network, student"):
        models.trained("teacher")


def test_weights_of_another_network_are_refused(model, tmp_path):
    models.save_weights(model, tmp_path / "student.npz")
    with pytest.raises(models.WeightsUnavailable, match="another network than fast_network: block1_1_conv/kernel"):
        models.trained("fast_network", file=tmp_path / "student.npz")


def test_a_pickled_object_is_not_loaded(tmp_path):
    np.savez(tmp_path / "student.npz", weights=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(models.WeightsUnavailable, match="cannot be read"):
        models.trained("student", file=tmp_path / "student.npz")


def test_what_half_precision_cannot_hold_is_not_written(model, tmp_path):
    model.get_layer("head").kernel.assign(np.full(model.get_layer("head").kernel.shape, 1e6))
    with pytest.raises(ValueError, match="head/kernel"):
        models.save_weights(model, tmp_path / "student.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["fast_network", "student"])
def test_the_weights_that_travel_with_the_course_know_a_cat(name):
    photos = datasets.load("photos", size=32)
    cat = photos.images[[photos.class_names.index("cat")]]
    logits = training.predict_with_views(models.trained(name), cat, views=2)
    assert datasets.CIFAR10[logits.argmax()] == "cat"


def test_all_weights_together_stay_small():
    sizes = {file.name: file.stat().st_size for file in bundled.folder("data").glob("*.npz")}
    assert sizes.pop("simclr.npz") < 3_000_000
    assert sum(sizes.values()) < 5_000_000
