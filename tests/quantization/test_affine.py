"""Affine quantization: what comes back lies within half a step, and zero comes back as zero."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cnn_course.quantization import Affine, from_range, symmetric

NUMBERS = st.floats(-1e4, 1e4, allow_subnormal=False)
WEIGHTS = st.floats(-8, 8, width=32)


@given(ends=st.tuples(NUMBERS, NUMBERS), values=hnp.arrays("float64", 20, elements=st.floats(0, 1)))
def test_a_number_of_the_range_comes_back_within_half_a_step(ends, values):
    minimum, maximum = min(*ends, 0.0), max(*ends, 0.0)
    affine = from_range(*sorted(ends))
    inside = minimum + values * (maximum - minimum)
    back = affine.dequantize(affine.quantize(inside))
    # At its two ends the range may be moved by up to half a step, so that 0 is exact.
    assert np.abs(back - inside).max() <= affine.scale * 1.0001 + 1e-6
    assert np.median(np.abs(back - inside)) <= affine.scale * 0.5001 + 1e-6


@given(ends=st.tuples(NUMBERS, NUMBERS))
def test_zero_is_exact_and_the_integers_fit_in_eight_bits(ends):
    affine = from_range(*sorted(ends))
    assert affine.dequantize(affine.quantize(np.zeros(1)))[0] == 0
    assert -128 <= affine.zero_point <= 127
    assert affine.quantize(np.array([-1e9, 1e9])).tolist() == [-128, 127]


def test_pixels_are_stored_as_they_are_but_for_an_offset():
    affine = from_range(0, 255)
    assert (affine.scale, affine.zero_point) == (1.0, -128)
    assert affine.quantize(np.arange(256)).tolist() == list(range(-128, 128))


@example(kernel=np.full((1, 1, 1, 1), -1e-45, "float32"))
@given(kernel=hnp.arrays("float32", hnp.array_shapes(min_dims=4, max_dims=4, max_side=4), elements=WEIGHTS))
def test_weights_come_back_within_half_a_step_of_their_own_channel(kernel):
    whole, by_channel = symmetric(kernel), symmetric(kernel, axis=-1)
    assert by_channel.scale.shape == (1, 1, 1, kernel.shape[-1])
    for affine in (whole, by_channel):
        back = affine.dequantize(affine.quantize(kernel))
        assert np.all(np.abs(back - kernel) <= 0.5001 * affine.scale + 1e-7)
        assert affine.quantize(kernel).min() >= -127


def test_one_scale_for_each_channel_is_finer_where_channels_differ():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 2)) * np.array([1.0, 0.01])
    whole, by_channel = (
        np.abs(affine.dequantize(affine.quantize(kernel)) - kernel).mean()
        for affine in (symmetric(kernel), symmetric(kernel, axis=-1))
    )
    assert by_channel < 0.6 * whole


def test_a_scale_of_an_array_broadcasts():
    affine = Affine(np.array([1.0, 2.0]), 0)
    assert affine.quantize(np.array([[4.0, 4.0]])).tolist() == [[4, 2]]
