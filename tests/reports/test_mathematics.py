"""Formulas: every one in the lessons becomes MathML, and what cannot is an error."""

from xml.etree import ElementTree

import nbformat
import pytest

from cnn_course import bundled
from cnn_course.reports import mathematics, pages

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"


def elements(latex, **keywords):
    root = ElementTree.fromstring(mathematics.to_mathml(latex, **keywords))
    return [element.tag.removeprefix(NAMESPACE) for element in root.iter()]


@pytest.mark.parametrize(
    ("latex", "element"),
    [
        (r"\frac{a}{b}", "mfrac"),
        (r"\sum_{i=0}^{n} x_i", "munderover"),
        (r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}", "mtable"),
        (r"\begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}", "mtable"),
        (r"\begin{aligned} a &= b < c \\ &= d \end{aligned}", "mtable"),
        (r"\left\lfloor \frac{h + 2p - k}{s} \right\rfloor", "mfrac"),
        (r"\sqrt{x}", "msqrt"),
    ],
)
def test_a_formula_is_well_formed_mathml(latex, element):
    assert element in elements(latex, display=True)


def test_display_and_inline_differ():
    assert 'display="block"' in mathematics.to_mathml("x", display=True)
    assert 'display="inline"' in mathematics.to_mathml("x")


def test_bold_letters_are_characters_since_browsers_know_no_other_way():
    assert "\U0001d47e" in mathematics.to_mathml(r"\boldsymbol{W}")
    assert "bold" not in mathematics.to_mathml(r"\boldsymbol{W}")


def test_a_function_name_stands_apart_from_its_argument_but_not_from_a_parenthesis():
    assert 'rspace="0.17em">log</mo>' in mathematics.to_mathml(r"\log x")
    assert 'rspace="0">max</mo>' in mathematics.to_mathml(r"\max(0, x)")
    assert "arg\u2009min" in mathematics.to_mathml(r"\operatorname*{arg\,min}_x f")


@pytest.mark.parametrize("latex", [r"\foo{x}", r"\frac{", r"\begin{gathered} a & b \end{gathered}", "x^2^3"])
def test_what_cannot_be_converted_is_an_error_that_shows_the_formula(latex):
    with pytest.raises(mathematics.FormulaError) as caught:
        mathematics.to_mathml(latex)
    assert repr(latex) in str(caught.value)


@pytest.mark.parametrize("path", sorted(bundled.folder("notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_formula_of_the_lessons_is_converted_and_nothing_is_loaded_from_elsewhere(path):
    body, broken = pages.cells_as_html(nbformat.read(path, as_version=4), folder=path.parent)
    assert broken == []
    assert pages.external_references(body) == []
