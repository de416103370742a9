"""The editor of a kernel: what is typed is computed and drawn, and without widgets a picture remains."""

import base64
import sys

import numpy as np
import pytest

from cnn_course import plots
from cnn_course.convolution import conv2d

PHOTO = np.linspace(0, 1, 20)[:, None] * np.ones(24)
KERNELS = {
    "rows": np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
    "nothing": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
}
WIDGET = "application/vnd.jupyter.widget-view+json"


def respond(kernel):
    return conv2d(PHOTO[None, :, :, None], kernel[:, :, None, None])[0, :, :, 0]


@pytest.fixture
def editor(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_STRICT")
    return plots.KernelEditor(PHOTO, KERNELS, respond)


def entries(editor):
    return [field.value for field in editor.fields]


def test_it_begins_with_the_first_kernel_and_brings_its_picture_along(editor):
    data, metadata = editor._repr_mimebundle_()
    assert data[WIDGET]["model_id"] == editor.editor.model_id
    assert metadata["image/png"]["alt"] == "A grey photo and what filters make of it: rows."
    assert base64.b64encode(data["image/png"]).decode() in editor.picture.value
    assert 'alt="A grey photo and what filters make of it: rows."' in editor.picture.value
    np.testing.assert_array_equal(editor.kernel, KERNELS["rows"])
    assert entries(editor) == [*KERNELS["rows"].flat]
    assert "sum to 0, and that is what an even surface of brightness 1 becomes" in editor.said.value
    # Each row is 1/19 brighter than the one above; rows two apart are compared, with weights that sum to 4.
    assert f"goes from {8 / 19:.2f} to {8 / 19:.2f}; middle grey is 0." in editor.said.value


def test_what_is_typed_is_drawn_and_told(editor):
    before = editor.picture.value
    editor.fields[1].value = 0.5
    assert editor.kernel[0, 1] == 0.5
    assert editor.choice.value == "your own"
    assert editor.picture.value != before
    assert "sum to 2.5" in editor.said.value
    assert "black is 0 and white is 1" in editor.said.value


def test_a_chosen_kernel_fills_the_fields_and_is_drawn_once(editor, monkeypatch):
    drawn = []
    monkeypatch.setattr(editor, "_show", lambda: drawn.append(entries(editor)))
    editor.choice.value = "nothing"
    assert drawn == [[*KERNELS["nothing"].flat]]
    editor.choice.value = "your own"
    assert entries(editor) == [*KERNELS["nothing"].flat]


def test_the_stored_picture_is_that_of_the_first_kernel_whatever_was_typed_since(editor):
    before = editor._repr_mimebundle_()[0]["image/png"]
    editor.choice.value = "nothing"
    assert editor._repr_mimebundle_()[0]["image/png"] == before


def missing(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_STRICT")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)


def strict(monkeypatch):
    monkeypatch.setenv("CNN_COURSE_STRICT", "1")


@pytest.mark.parametrize("without", [missing, strict])
def test_without_widgets_the_picture_is_all(monkeypatch, without):
    without(monkeypatch)
    data, metadata = plots.KernelEditor(PHOTO, KERNELS, respond)._repr_mimebundle_()
    assert set(data) == {"image/png", "text/plain"}
    assert metadata["image/png"]["alt"]


@pytest.mark.parametrize("kernels", [{}, {"a": np.ones((3, 3)), "b": np.ones((5, 5))}, {"a": np.ones(3)}])
def test_kernels_that_fit_no_grid_are_refused(kernels):
    with pytest.raises(ValueError, match="matrices of one shape"):
        plots.KernelEditor(PHOTO, kernels, respond)
