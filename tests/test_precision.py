"""Number formats against NumPy's and ml_dtypes' own, and costs that come from a process of their own."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_course import machine, precision

TYPES = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16, "float16": np.float16}


@pytest.mark.parametrize("name", TYPES)
def test_the_limits_follow_from_the_bits(name):
    known, ours = ml_dtypes.finfo(TYPES[name]), precision.FORMATS[name]
    assert ours.largest == float(known.max)
    assert ours.smallest_normal == float(known.smallest_normal)
    assert ours.smallest == float(known.smallest_subnormal)
    assert ours.spacing == float(known.eps)


@given(name=st.sampled_from(sorted(TYPES)), value=st.floats(width=32, allow_nan=False))
def test_rounding_is_that_of_the_format(name, value):
    with np.errstate(over="ignore"):
        expected = float(np.float32(value).astype(TYPES[name]))
    assert float(precision.FORMATS[name].round(value)) == expected


@pytest.mark.parametrize(
    ("gpu", "features", "policy", "reason"),
    [
        ((7, 5), {}, "mixed_float16", "16-bit numbers several times faster"),
        ((9, 0), {}, "mixed_float16", "bfloat16 ones as well"),
        ((6, 1), {}, "float32", "6.1 has no tensor cores"),
        (None, {}, "mixed_float16", "GPU"),
        (False, {"avx512_bf16": True}, "mixed_bfloat16", "avx512_bf16"),
        (False, {"amx_bf16": True, "avx512_bf16": True}, "mixed_bfloat16", "amx_bf16"),
        (False, {"avx2": True}, "float32", "no instructions"),
        (False, None, "float32", "does not tell"),
    ],
)
def test_the_advice_follows_the_machine(monkeypatch, gpu, features, policy, reason):
    known = dict.fromkeys(machine.CPU_FEATURES, None if features is None else False) | (features or {})
    monkeypatch.setattr(machine, "has_gpu", lambda: gpu is not False)
    monkeypatch.setattr(machine, "gpu_capability", lambda: gpu)
    monkeypatch.setattr(machine, "cpu_features", lambda: known)
    advised, why = precision.advice()
    assert advised == policy
    assert reason in why


def test_a_larger_batch_needs_more_memory_whatever_ran_before():
    """Were both measured in one process, the second peak could not be smaller than the first."""
    large = precision.step_cost("float32", widths=(16, 32), batch_size=600, steps=2)
    small = precision.step_cost("float32", widths=(16, 32), batch_size=20, steps=2)
    assert small.peak_bytes < large.peak_bytes - 50e6
    assert small.step_bytes < large.step_bytes - 50e6
    assert 0 < large.start_bytes < large.peak_bytes
