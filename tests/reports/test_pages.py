"""The pages: formulas, pictures with their descriptions, links between reports, and nothing from a network."""

import json
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_files import RESULTS

from cnn_course.reports import formats, pages

REPORT = {
    "run": "00_x-quick",
    "lesson": "00_x",
    "title": "A <title>",
    "status": "passed",
    "seconds": 75.2,
    "command": "cnn-course run 00_x",
    "failure": None,
}
TEXT = r"""# A title

Inline $y = \frac{a_1}{b_1} * c$ and `$not$ a formula`, a [lesson](01_y.ipynb), [none](09_z.ipynb), [web](https://keras.io).

$$\sum_{i=1}^n x_i < 3$$

```python
cost = "$5 and $6"
```
"""


class Elements(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def page_of(*cells, results=None, **settings):
    return pages.lesson_page(new_notebook(cells=list(cells)), REPORT, results or {}, **settings)


@pytest.fixture(scope="module")
def text_page():
    return page_of(new_markdown_cell(TEXT), places={"01_y.ipynb": "../01_y/index.html"})


def test_formulas_are_mathml_outside_code_only(text_page):
    elements = Elements(text_page)
    assert [math["display"] for math in elements.all("math")] == ["inline", "block"]
    assert "$not$ a formula" in text_page
    assert "&quot;$5 and $6&quot;" in text_page or '"$5 and $6"' in text_page


def test_links_lead_to_reports_that_exist_and_to_the_web(text_page):
    targets = [link["href"] for link in Elements(text_page).all("a")]
    assert "../01_y/index.html" in targets
    assert "https://keras.io" in targets
    assert "09_z.ipynb" not in text_page
    assert "none" in text_page


def test_a_picture_on_the_web_is_named_and_not_loaded():
    page = page_of(new_markdown_cell("[![Open in Colab](https://colab.example/badge.svg)](https://colab.example/x)"))
    assert pages.external_references(page) == []
    assert '<a href="https://colab.example/x">Open in Colab</a>' in page


def test_a_formula_that_is_broken_shows_its_source_and_is_reported():
    body, broken = pages.cells_as_html(new_notebook(cells=[new_markdown_cell(r"A $\foo{x}$ here")]))
    assert '<code class="formula">\\foo{x}</code>' in body
    assert len(broken) == 1


def test_a_figure_carries_its_description_and_its_width():
    metadata = {"image/png": {"alt": 'Loss "falls" & stays.', "width": 512}}
    output = new_output("display_data", {"image/png": "iVBORw0KGgo=", "text/plain": "Figure"}, metadata=metadata)
    picture = Elements(page_of(new_code_cell("plot()", outputs=[output]))).all("img")[0]
    assert picture["alt"] == 'Loss "falls" & stays.'
    assert picture["width"] == "512"
    assert picture["src"].startswith("data:image/png;base64,")


def test_code_is_left_out_on_request_and_what_it_shows_stays():
    printed = new_output("stream", name="stdout", text="what it prints")
    cells = [new_markdown_cell("Text"), new_code_cell("secret_name", execution_count=4, outputs=[printed])]
    assert "secret_name" in page_of(*cells)
    page = page_of(*cells, code=False)
    assert "secret_name" not in page
    assert "what it prints" in page
    assert 'id="cell-4"' in page  # where the index leads when the cell has failed
    assert "the executed notebook, with its code" in page


def test_headings_can_be_linked_to_and_are_listed():
    page = page_of(new_markdown_cell("# T\n\n## What *is* $x$?\n\n### The same"), new_markdown_cell("### The same"))
    elements = Elements(page)
    anchors = [heading["id"] for level in ("h2", "h3") for heading in elements.all(level)]
    assert anchors == ["What-is-x?", "The-same", "The-same-1"]
    assert [link["href"] for link in elements.all("a")][-3:] == [f"#{anchor}" for anchor in anchors]


def test_a_link_into_a_lesson_leads_into_its_report():
    cell = new_markdown_cell("[there](01_y.ipynb#The-same)")
    page = page_of(cell, places={"01_y.ipynb": "../01_y/index.html"})
    assert "../01_y/index.html#The-same" in [link["href"] for link in Elements(page).all("a")]


def test_the_index_shows_each_report_with_its_picture(tmp_path):
    for name in ("00_x-quick", "01_y-quick"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(REPORT | {"run": name}))
    (tmp_path / "00_x-quick" / pages.THUMBNAIL).write_bytes(b"picture")
    page = pages.write_overview(tmp_path).read_text()
    elements = Elements(page)
    assert [picture["src"] for picture in elements.all("img")] == ["data:image/png;base64,cGljdHVyZQ=="]
    assert [link["href"] for link in elements.all("a")][1:] == ["00_x-quick/index.html", "01_y-quick/index.html"]
    assert pages.external_references(page) == []


def test_a_file_of_somebody_else_does_not_stop_the_index(tmp_path):
    for name, content in {"00_x": json.dumps(REPORT), "other": '{"status": "ok"}', "broken": "{"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(content)
    links = [link["href"] for link in Elements(pages.write_overview(tmp_path).read_text()).all("a")]
    assert links[1:] == ["00_x-quick/index.html"]


def test_text_that_a_cell_prints_is_escaped():
    output = new_output("stream", name="stdout", text="1 < 2 <script>alert(1)</script>")
    page = page_of(new_code_cell("print()", outputs=[output]))
    assert Elements(page).all("script") == []


def test_a_page_loads_nothing_and_fits_a_telephone(text_page):
    elements = Elements(text_page)
    assert pages.external_references(text_page) == []
    assert elements.all("script") == []
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in elements.all("meta")
    assert "prefers-color-scheme: dark" in text_page
    assert "A &lt;title&gt;" in text_page


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//fonts.example/a.css">',
        '<img src="http://example/a.png">',
        "<style>@import 'https://example/a.css';</style>",
        '<style>p { background: url("https://example/a.png") }</style>',
        '<p style="background: url(a.png)">',
        '<iframe src="x.html"></iframe>',
    ],
)
def test_what_a_page_would_load_is_found(page):
    assert len(pages.external_references(page)) == 1


def test_the_header_tells_how_the_report_was_made():
    checks = [{"claim": "c", "value": 1, "bound": "= 1", "passed": True, "note": ""}]
    results = {**RESULTS, "checks": checks}
    page = page_of(new_markdown_cell("# T"), results=results)
    for part in ("mnist5k", "ab12", "3.15.1", "A processor", "1 min 15 s", "cnn-course run 00_x", "1 passed"):
        assert part in page


def test_numbers_durations_and_metrics_are_put_plainly():
    assert [formats.number(value) for value in (0.98765, 1605632, True, "nan")] == [
        *("0.9877", "1\u202f605\u202f632", "True", "nan")
    ]
    assert [formats.duration(seconds) for seconds in (0.4, 59.4, 59.6, 725)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "12 min 5 s",
    ]
    assert formats.scalars({"a": 1, "b": {"c": 2.5}, "curve": [1, 2]}) == {"a": 1, "b.c": 2.5}


def test_a_notebook_with_attached_pictures_keeps_them():
    cell = new_markdown_cell("![a dot](attachment:dot.png)", attachments={"dot.png": {"image/png": "iVBORw0KGgo="}})
    picture = Elements(page_of(cell)).all("img")[0]
    assert picture["src"] == "data:image/png;base64,iVBORw0KGgo="
    assert picture["alt"] == "a dot"
    assert nbformat.validate(new_notebook(cells=[cell])) is None
