"""The residual and plain families: their sizes by formula, what a shortcut adds, what the stems leave of an image."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import models


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(0)


def weights_of(depth, width, channels, classes, *, shortcut):
    """Return the weights by section 4.2 of He and others, with projections and four numbers a normalised map."""
    blocks = (depth - 2) // 6
    total = 9 * channels * width + 4 * width
    before = width
    for stage in range(3):
        after = width * 2**stage
        for _ in range(blocks):
            total += 9 * before * after + 9 * after * after + 2 * 4 * after
            if shortcut and before != after:
                total += before * after + 4 * after
            before = after
    return total + before * classes + classes


@given(st.integers(1, 4), st.integers(2, 9), st.integers(1, 3), st.booleans())
@settings(deadline=None, max_examples=8)
def test_a_network_has_the_weights_of_its_depth_and_width(blocks, width, channels, shortcut):
    depth = 6 * blocks + 2
    model = models.cifar_network(depth, (16, 16, channels), 7, width=width, shortcut=shortcut)
    assert model.count_params() == weights_of(depth, width, channels, 7, shortcut=shortcut)


@pytest.mark.parametrize(
    ("build", "depth"), [(models.resnet8, 8), (models.resnet20, 20), (models.resnet56, 56)], ids=["8", "20", "56"]
)
def test_a_depth_counts_the_layers_with_weights_along_the_longest_path(build, depth):
    model = build()
    longest = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense) and "projection" not in layer.name
    ]
    assert len(longest) == depth


def test_the_sizes_are_the_published_ones():
    assert round(models.resnet20().count_params(), -4) == 270_000  # table 6: 0.27M
    assert models.resnet8().count_params() < 80_000
    assert round(models.resnet18().count_params() / 1e6, 1) == 11.2


@pytest.mark.parametrize("depth", [2, 3, 7, 9, 21])
def test_a_depth_that_gives_no_equal_stages_is_refused(depth):
    with pytest.raises(ValueError, match=r"6 n \+ 2"):
        models.cifar_network(depth)


@pytest.mark.parametrize(("channels", "stride"), [(3, 1), (5, 1), (3, 2), (6, 2)])
def test_a_block_adds_its_input_and_projects_it_only_where_it_must(channels, stride):
    inputs = keras.Input((8, 8, 3))
    block = keras.Model(inputs, models.residual_block(inputs, channels, stride=stride, name="b"))
    names = {layer.name for layer in block.layers}
    assert ("b_projection_conv" in names) == (channels != 3 or stride != 1)
    for name in ("b_1_conv", "b_2_conv"):
        block.get_layer(name).kernel.assign(np.zeros(block.get_layer(name).kernel.shape))
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    around = images
    if "b_projection_conv" in names:
        kernel = np.asarray(block.get_layer("b_projection_conv").kernel)[0, 0]
        around = images[:, ::stride, ::stride] @ kernel / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(block(images), np.maximum(around, 0), rtol=1e-4, atol=1e-5)


def test_a_projection_with_stride_is_the_strided_convolution():
    inputs = keras.Input((7, 8, 3))
    block = keras.Model(inputs, models.residual_block(inputs, 6, stride=2, name="b"))
    block.get_layer("b_2_conv").kernel.assign(np.zeros((3, 3, 6, 6)))
    images = np.random.default_rng(0).normal(size=(2, 7, 8, 3)).astype("float32")
    kernel = block.get_layer("b_projection_conv").kernel
    strided = keras.ops.conv(images, kernel, strides=2, padding="same") / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(block(images), np.maximum(strided, 0), rtol=1e-4, atol=1e-5)


def test_a_narrow_network_can_be_trained_without_damage_to_memory():
    # With the strided 1x1 convolution of the textbook this ended the process: see residual_block.
    program = (
        "import numpy as np; from cnn_course import models\n"
        "network = models.cifar_network(8, width=8)\n"
        "network.compile('sgd', 'mse', jit_compile=False)\n"
        "network.fit(np.ones((75, 32, 32, 3)), np.ones((75, 10)), batch_size=25, epochs=2, verbose=0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_a_plain_block_with_zero_kernels_lets_nothing_through():
    inputs = keras.Input((8, 8, 3))
    block = keras.Model(inputs, models.residual_block(inputs, 3, shortcut=False, name="b"))
    block.get_layer("b_2_conv").kernel.assign(np.zeros((3, 3, 3, 3)))
    assert np.abs(block(np.ones((1, 8, 8, 3), "float32"))).max() == 0


@pytest.mark.parametrize(("stem", "sizes"), [("cifar", [32, 16, 8, 4]), ("imagenet", [8, 4, 2, 1])])
def test_a_stem_decides_how_much_of_the_image_the_stages_see(stem, sizes):
    model = models.resnet18(stem=stem, width=2)
    seen = [model.get_layer(f"stage{stage}_block2_relu").output.shape[1] for stage in (1, 2, 3, 4)]
    assert seen == sizes


def test_an_unknown_stem_is_refused():
    with pytest.raises(ValueError, match="'cifar' or 'imagenet'"):
        models.resnet18(stem="tiny")


@pytest.mark.parametrize("build", [models.resnet8, models.resnet20, lambda *a: models.resnet18(*a, width=4)])
def test_it_returns_logits_for_pixels_as_they_are_stored(build):
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype("uint8")
    logits = np.asarray(build((28, 28, 1), 4)(images))
    assert logits.shape == (3, 4)
    assert np.isfinite(logits).all()
