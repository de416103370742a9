"""The learning rate by step against straight lines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_course import training


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
