"""The pictures of the index: the first figure of a lesson, small."""

import base64
import io

from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from cnn_course.reports import thumbnails


def figure(colour, size=(1300, 700)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "png")
    return new_output("display_data", {"image/png": base64.b64encode(file.getvalue()).decode()})


def thumbnail(*outputs):
    return thumbnails.thumbnail(new_notebook(cells=[new_code_cell("plot()", outputs=list(outputs))]))


def test_it_is_the_first_figure_in_its_proportions():
    printed = new_output("stream", name="stdout", text="first")
    picture = Image.open(io.BytesIO(thumbnail(printed, figure("red"), figure("blue"))))
    assert picture.format == "PNG"
    assert picture.size == (535, 288)
    assert picture.convert("RGB").getpixel((9, 9)) == (255, 0, 0)


def test_a_small_figure_is_not_enlarged():
    assert Image.open(io.BytesIO(thumbnail(figure("red", (20, 10))))).size == (20, 10)


def test_a_lesson_without_figures_has_none():
    assert thumbnail(new_output("stream", name="stdout", text="words")) is None
