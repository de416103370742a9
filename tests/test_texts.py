"""The texts: every link leads somewhere, every picture is described, the headings are in order."""

import itertools
import re
from pathlib import Path

import mistune
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("*/*.md")), *ROOT.glob("notebooks/*.ipynb")]
READ = mistune.create_markdown(renderer="ast", plugins=["table", "math", "strikethrough"])


def cells(path):
    """Return the texts of a file: of a notebook one for each cell of text."""
    if path.suffix != ".ipynb":
        return [path.read_text(encoding="utf-8")]
    notebook = nbformat.read(path, as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def tokens(text, kind):
    """Yield Mistune's tokens of one kind, such as "link", from anywhere in a text."""
    waiting = list(READ(text))
    while waiting:
        token = waiting.pop(0)
        waiting[:0] = token.get("children", [])
        if token["type"] == kind:
            yield token


def words(token):
    """Return the text of a token without its marks."""
    return token.get("raw", "") + "".join(map(words, token.get("children", [])))


def anchors(path):
    """Return the names that links into a file may use: JupyterLab's for a notebook, GitHub's for other texts."""
    names = [words(heading) for text in cells(path) for heading in tokens(text, "heading")]
    if path.suffix == ".ipynb":
        return {name.replace(" ", "-") for name in names}
    return {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in names}


def dead_links(text, path):
    """Return the links in a text of the file ``path`` that lead to no file, or to no heading in it."""
    dead = []
    for kind in ("link", "image"):
        for token in tokens(text, kind):
            address = token["attrs"]["url"]
            if re.match(r"(https?|mailto|attachment):", address):
                continue
            name, mark, anchor = address.partition("#")
            target = path.parent / name if name else path
            if not target.exists() or (mark and anchor not in anchors(target)):
                dead.append(address)
    return dead


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_links_lead_to_files_and_headings_that_are_there(path):
    assert [address for text in cells(path) for address in dead_links(text, path)] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_pictures_are_described(path):
    pictures = [token for text in cells(path) for token in tokens(text, "image")]
    assert [token["attrs"]["url"] for token in pictures if not words(token).strip()] == []


@pytest.mark.parametrize("path", [path for path in TEXTS if path.suffix == ".md"], ids=lambda path: path.stem)
def test_a_text_has_one_title_and_no_level_left_out(path):
    levels = [token["attrs"]["level"] for text in cells(path) for token in tokens(text, "heading")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in itertools.pairwise(levels))


@pytest.mark.parametrize(
    ("link", "dead"),
    [
        ("[here](README.md)", []),
        ("[here](README.md#the-data)", []),
        ("[here](https://keras.io)", []),
        ("`[here](nowhere.md)` and $[a](b)$", []),
        ("[here](nowhere.md)", ["nowhere.md"]),
        ("![a picture](data/nowhere.png)", ["data/nowhere.png"]),
        ("| a |\n| --- |\n| [here](nowhere.md) |", ["nowhere.md"]),
        ("[here](README.md#no-such-heading)", ["README.md#no-such-heading"]),
    ],
)
def test_a_dead_link_is_found(link, dead):
    assert dead_links(link, ROOT / "anywhere.md") == dead
