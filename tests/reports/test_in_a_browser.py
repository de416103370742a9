"""The pages in a real browser: nothing that axe objects to, nothing too wide, nothing from elsewhere."""

import base64
import io
import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_files import RESULTS
from PIL import Image

from cnn_course.lesson import Check, CheckTable
from cnn_course.reports import comparison, pages, running
from cnn_course.reports.thumbnails import thumbnail

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe judges the pages")

TELEPHONE, SCREEN = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
TEXT = r"""# A lesson

## What is the sum $\sum_i x_i$?

| | first | second |
| --- | --- | --: |
| a row with a name that is long enough to be too wide | `code_that_does_not_break_anywhere` | 3 |

$$y_{i,j,o} = \sum_{u=0}^{k-1} \sum_{v=0}^{k-1} \sum_{c=0}^{C-1} x_{si+u,\,sj+v,\,c} \, w_{u,v,c,o} + b_o + r_{i,j,o}$$

### A smaller heading

See [the next lesson](01_y.ipynb) and [the documentation](https://keras.io).

```python
for each in range(10):
    print("a line of code that is as long as the lines of the lessons may be, and longer than a telephone")
```
"""


def figure():
    file = io.BytesIO()
    Image.new("RGB", (1400, 800), "white").save(file, "png")
    metadata = {"image/png": {"alt": "A white field.", "width": 700}}
    return new_output("display_data", {"image/png": base64.b64encode(file.getvalue()).decode()}, metadata=metadata)


def checks():
    table = CheckTable([Check("a claim that held", 0.5, "≥ 0.25", True), Check("one that did not", 1, "= 2", False)])
    return new_output("execute_result", {"text/html": table._repr_html_(), "text/plain": repr(table)})


def lesson():
    printed = new_output("stream", name="stdout", text="  ".join(f"column {k:>3}" for k in range(14)) + "\n")
    error = new_output(
        "error", ename="ValueError", evalue="no", traceback=["\x1b[31mValueError\x1b[39m: " + "no " * 50]
    )
    outputs = [printed, figure(), checks(), error]
    code = "values = [layer(x) for layer in layers]  # as long as the lines of the lessons may be, a hundred\nNone"
    return new_notebook(
        cells=[new_markdown_cell(TEXT), new_code_cell(code, outputs=outputs, execution_count=2, id="computed")]
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Write a report that passed and one that failed, without running anything, their index, and a comparison."""
    out = tmp_path_factory.mktemp("site")
    checks = [vars(check) for check in (Check("a claim", 0.5, "≥ 0.25", True), Check("b", 1, "= 2", None, "new"))]
    metrics = {"a_metric_with_a_rather_long_name_of_many_words": 0.98}
    results = {**RESULTS, "checks": checks, "metrics": metrics}
    failure = {"cell": 2, "cell_id": "computed", "source": "x" * 200, "error": "ValueError", "message": "no " * 50}
    for name, status, wrong in (("00_x-quick", "passed", None), ("01_y-quick", "failed", failure)):
        report = running.Report(name, name[:4], f"Lesson {name}", status, 75.2, f"cnn-course run {name[:4]}", wrong)
        (out / name).mkdir()
        (out / name / "report.json").write_text(json.dumps(vars(report)))
        (out / name / "results.json").write_text(json.dumps(results))
        (out / name / pages.THUMBNAIL).write_bytes(thumbnail(lesson()))
        places = {"01_y.ipynb": "../01_y-quick/index.html"}
        pages.write_page(
            out / name / "index.html",
            pages.lesson_page(lesson(), vars(report), results, places=places, code=status == "passed"),
        )
    pages.write_overview(out)
    runs = []
    for epochs in (1, 2, 3):
        runs.append(out / f"run{epochs}.json")
        values = {"lesson": "00_x", "parameters": {"epochs": epochs}, "metrics": {"accuracy": epochs / 4}}
        runs[-1].write_text(json.dumps(values))
    comparison.write(comparison.compare(runs), out / "comparison")
    return out


@pytest.fixture
def open_page(browser, site):
    """Return a function that opens a page and returns it with the list of the addresses that it asked for."""
    contexts = []

    def opened(name, size=SCREEN, scheme="light"):
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme))
        page = contexts[-1].new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / name).as_uri())
        return page, asked

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize(
    "name", ["index.html", "00_x-quick/index.html", "01_y-quick/index.html", "comparison/index.html"]
)
@pytest.mark.parametrize(("size", "scheme"), [(TELEPHONE, "dark"), (SCREEN, "light")], ids=["telephone", "screen"])
def test_axe_has_no_objection_and_the_page_fits(open_page, name, size, scheme):
    page, asked = open_page(name, size, scheme)
    found = axe.Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []


def test_axe_would_object_to_a_figure_without_description_and_to_grey_on_grey(open_page):
    page, _ = open_page("00_x-quick/index.html")
    page.evaluate("document.querySelector('.output img').removeAttribute('alt')")
    page.evaluate("document.querySelector('h1').style.color = '#eeeeee'")
    assert {rule["id"] for rule in axe.Axe().run(page).response["violations"]} == {"image-alt", "color-contrast"}


def test_the_keyboard_skips_to_the_content_and_reaches_what_scrolls(open_page):
    page, _ = open_page("00_x-quick/index.html", TELEPHONE)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    printed = page.locator(".output pre").first
    printed.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.output pre').scrollLeft > 0")


def test_dark_and_light_have_grounds_of_their_own_and_paper_is_white(open_page):
    grounds = []
    for scheme in ("light", "dark"):
        page, _ = open_page("00_x-quick/index.html", scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    page.emulate_media(media="print")
    grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(21, 24, 27)", "rgb(255, 255, 255)"]
    assert not page.locator("nav.course").is_visible()
    assert page.evaluate("[...document.querySelectorAll('pre, .scroll')].every(e => e.scrollWidth <= e.clientWidth)")


def test_the_contents_lead_to_the_headings(open_page):
    page, _ = open_page("00_x-quick/index.html", TELEPHONE)
    page.locator("nav.contents summary").click()
    page.locator("nav.contents a", has_text="A smaller heading").click()
    assert page.url.endswith("#A-smaller-heading")
    assert page.locator("h3#A-smaller-heading").is_visible()


def test_the_notebook_of_these_tests_is_one():
    nbformat.validate(lesson())
