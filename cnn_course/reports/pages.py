"""The HTML: one page for each lesson, one for all of them. Every file stands alone and asks nothing of a network."""

import base64
import functools
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from cnn_course.files import read_json, replacing
from cnn_course.reports.formats import check_counts, duration, longest_line, number, scalars
from cnn_course.reports.mathematics import FormulaError, to_mathml

if TYPE_CHECKING:
    from nbformat import NotebookNode

TEMPLATES = Path(__file__).parent
THUMBNAIL = "thumbnail.png"  # in the folder of a report
# What a page shows of an output that exists in several forms; scripts and live widgets are not among them.
SHOWN = ["text/html", "text/markdown", "image/svg+xml", "text/latex", "image/png", "image/jpeg", "text/plain"]


@dataclass(frozen=True)
class Heading:
    """A heading of a lesson: its level (1 to 6), the name that a link to it takes, and its text as HTML."""

    level: int
    anchor: str
    html: str


class LessonRenderer(IPythonRenderer):
    """Markdown as HTML: formulas become MathML, links to lessons lead to their reports, and headings are collected."""

    def __init__(
        self, *, places: Mapping[str, str], broken: list[str], headings: list[Heading], **settings: Any
    ) -> None:
        super().__init__(**settings)
        self.places = places
        self.broken = broken
        self.headings = headings

    def heading(self, text: str, level: int, **_: Any) -> str:
        """Return a heading that can be linked to by its text with hyphens for spaces, as in JupyterLab."""
        words = html.unescape(re.sub(r"<[^>]*>", "", text)).strip().replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(words)}(-\d+)?", known.anchor) is not None for known in self.headings)
        anchor = f"{words}-{again}" if again else words
        self.headings.append(Heading(level, anchor, re.sub(r"</?a\b[^>]*>", "", text)))
        return f'<h{level} id="{html.escape(anchor)}">{text}</h{level}>\n'

    def table(self, text: str) -> str:
        """Return a table that scrolls sideways in its own box where it is wider than the page."""
        return f'<div class="scroll" role="group" aria-label="Table" tabindex="0">\n<table>\n{text}</table>\n</div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """Return a cell of a table; one of the head that is empty heads nothing."""
        tag = "th" if head and text else "td"
        style = f' style="text-align: {align}"' if align else ""
        return f"<{tag}{style}>{text}</{tag}>\n"

    def block_math(self, body: str) -> str:
        """Return a displayed formula."""
        return self._formula(body, display=True)

    def inline_math(self, body: str) -> str:
        """Return a formula in the line."""
        return self._formula(body, display=False)

    def latex_environment(self, name: str, body: str) -> str:
        """Return an environment such as ``align`` that stands without dollar signs."""
        return self._formula(rf"\begin{{{name}}}{body}\end{{{name}}}", display=True)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return a link; one to a lesson leads to its report, and is plain text where there is none."""
        name, mark, anchor = url.partition("#")
        if name.endswith(".ipynb") and "/" not in name:
            return super().link(text, self.places[name] + mark + anchor, title) if name in self.places else text
        return super().link(text, url, title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return a picture; of one on the web only its description, since a report loads nothing from there."""
        return text if url.startswith(("http://", "https://")) else super().image(text, url, title)

    def _formula(self, latex: str, *, display: bool) -> str:
        try:
            mathml = to_mathml(latex, display=display)
        except FormulaError as error:
            self.broken.append(str(error))
            return f'<code class="formula">{html.escape(latex.strip())}</code>'
        # A displayed formula that is wider than a telephone scrolls, by the keyboard once it has the focus.
        return mathml.replace("<math ", '<math tabindex="0" ', 1) if display else mathml


class LessonExporter(HTMLExporter):
    """The cells of a notebook as HTML, in the course's own template.

    ``headings`` collects the lesson's headings, ``broken`` the formulas that failed.
    """

    def __init__(self, places: Mapping[str, str] | None = None, **settings: Any) -> None:
        self.places = places or {}
        self.broken: list[str] = []
        self.headings: list[Heading] = []
        super().__init__(
            template_name="template",
            extra_template_basedirs=[str(TEMPLATES)],
            embed_images=True,
            **settings,
        )

    @property
    def default_config(self) -> Any:
        """Return nbconvert's settings with the kinds of output that are shown."""
        config = super().default_config
        config.NbConvertBase.display_data_priority = SHOWN
        return config

    def default_filters(self) -> Any:
        """Yield nbconvert's filters and the one for a formula that is an output."""
        yield from super().default_filters()
        yield "formula2html", self.formula2html
        yield "longest_line", longest_line

    @functools.wraps(HTMLExporter.markdown2html)  # with the mark by which Jinja passes its context
    def markdown2html(self, context: Any, source: str) -> str:
        """Return Markdown as HTML; ``context`` is the template's, with the cell and the notebook's folder."""
        renderer = LessonRenderer(
            places=self.places,
            broken=self.broken,
            headings=self.headings,
            escape=False,
            embed_images=True,
            attachments=context.get("cell", {}).get("attachments", {}),
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
        )
        return MarkdownWithMath(renderer=renderer).render(source)

    def formula2html(self, latex: str) -> str:
        """Return an output of the kind ``text/latex`` as a displayed formula."""
        renderer = LessonRenderer(places={}, broken=self.broken, headings=[])
        return renderer.block_math(latex.strip().strip("$").removeprefix(r"\displaystyle"))


def cells_as_html(
    notebook: "NotebookNode", *, places: Mapping[str, str] | None = None, folder: Path | None = None
) -> tuple[str, list[str]]:
    """Return the cells of a notebook as HTML, and what is wrong with formulas that are shown as their source.

    ``places`` says where links to other notebooks lead; ``folder`` is where pictures in the text are looked for.
    """
    exporter = LessonExporter(places)
    return _body(exporter, notebook, folder), exporter.broken


def lesson_page(
    notebook: "NotebookNode",
    report: Mapping[str, Any],
    results: Mapping[str, Any],
    *,
    places: Mapping[str, str] | None = None,
    folder: Path | None = None,
    code: bool = True,
) -> str:
    """Return the page of one executed lesson, with its code or without.

    ``report`` and ``results`` are what the lesson's two JSON files hold; ``places`` and ``folder`` are as in
    :func:`cells_as_html`.
    """
    exporter = LessonExporter(places, exclude_input=not code)
    body = _body(exporter, notebook, folder)
    headings = [heading for heading in exporter.headings if heading.level in (2, 3)]
    content = {"report": report, "results": results, "headings": headings, "body": body, "code": code}
    return render("lesson.html.j2", title=report["title"], **content)


def _body(exporter: LessonExporter, notebook: "NotebookNode", folder: Path | None) -> str:
    return exporter.from_notebook_node(notebook, {"metadata": {"path": str(folder or "")}})[0]


def write_overview(out: Path) -> Path:
    """Write ``out/index.html`` from the reports in ``out``, and return its path.

    A file report.json that is none of ours is passed over.
    """
    runs = []
    for path in sorted(out.glob("*/report.json")):
        report, picture = read_json(path), path.with_name(THUMBNAIL)
        if report and "run" in report and not path.parent.name.endswith(".part"):
            runs.append(
                {
                    "report": report,
                    "results": read_json(path.with_name("results.json")) or {},
                    "picture": base64.b64encode(picture.read_bytes()).decode() if picture.exists() else None,
                }
            )
    page = out / "index.html"
    write_page(page, render("overview.html.j2", title="Reports", runs=runs))
    return page


def write_page(path: Path, text: str) -> None:
    """Write a page beside ``path`` and rename it."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def render(template: str, **content: Any) -> str:
    """Return a page from one of the templates beside this module."""
    return _environment().get_template(template).render(**content)


def external_references(page: str) -> list[str]:
    """Return the addresses that a browser would load with the page; links to follow are not among them."""
    parser = _References()
    parser.feed(page)
    parser.close()
    return parser.found


class _References(HTMLParser):
    """Collects what a page loads: scripts, styles, pictures, frames, and addresses in style sheets."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attributes: Sequence[tuple[str, str | None]]) -> None:
        self.in_style = tag == "style"
        for name, value in attributes:
            loads = name in ("src", "srcset", "data", "poster") or (tag in ("link", "use", "image") and "href" in name)
            if loads and value and not value.startswith(("data:", "#")):
                self.found.append(value)
            if name == "style":
                self.handle_style(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.handle_style(data)

    def handle_style(self, style: str) -> None:
        self.found += [address for address in re.findall(r"url\(['\"]?([^'\")]+)", style) if address[:5] != "data:"]
        self.found += re.findall(r"@import\s+['\"]([^'\"]+)", style)


@functools.cache
def _environment() -> Any:
    """Return nbconvert's template environment, in which what the pages insert is escaped."""
    environment = LessonExporter().environment.overlay(autoescape=True)
    environment.filters |= {"number": number, "duration": duration, "counts": check_counts, "scalars": scalars}
    return environment
