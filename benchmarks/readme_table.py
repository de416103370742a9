"""The README's table of the lessons: what each asks, and one result that was measured. Run by ``make readme``.

Every number in it is read from what is stored: from the table of checks at the end of an executed lesson, or from the
runs in results/. The sentences around the numbers are here.
"""

import html
import json
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from cnn_course.files import replacing

ROOT = Path(__file__).resolve().parents[1]
BEGIN = "<!-- The table is written by `make readme`; its sentences are in benchmarks/readme_table.py. -->\n"
END = "<!-- End of the table. -->\n"


@dataclass(frozen=True)
class Checked:
    """A number that the lesson checks.

    Attributes:
        claim: Its claim in the lesson's stored table of checks.
        form: How it is written.
        times: What it is multiplied by, such as 100 for a share in per cent.
    """

    claim: str
    form: str = "{:.1f}"
    times: float = 1

    def text(self, lesson: Path, results: Path) -> str:
        """Return the number as it is written, from the executed notebook ``lesson``."""
        measured = {claim: value for claim, value, *_ in table(lesson, "The lesson's checks")}
        if self.claim not in measured:
            raise click.ClickException(
                f"Lesson {lesson.stem} has no check {self.claim!r}. Its checks are: {'; '.join(measured)}. "
                "Name one of them in benchmarks/readme_table.py."
            )
        return self.form.format(self.times * float(measured[self.claim].replace(",", ""))).replace("-", "−")


@dataclass(frozen=True)
class Setting:
    """A setting of the lesson's stored run, such as its data set."""

    name: str

    def text(self, lesson: Path, results: Path) -> str:
        """Return the setting, from the executed notebook ``lesson``."""
        return settings(lesson)[self.name]


@dataclass(frozen=True)
class Mean:
    """The mean of a measurement over its stored runs, with their standard deviation.

    Attributes:
        file: The name of a file in results/, without its ending.
        which: What its runs have in common, such as ``{"recipe": "fast"}``.
        keys: The keys under which a run holds the measurement; of a list the last value counts.
        form: How mean and deviation are written.
        times: What they are multiplied by.
    """

    file: str
    which: dict[str, Any]
    keys: tuple[str, ...]
    form: str = "{:.2f}"
    times: float = 1

    def text(self, lesson: Path, results: Path) -> str:
        """Return the mean and its deviation as they are written, from the folder ``results``."""
        runs = json.loads((results / f"{self.file}.json").read_text(encoding="utf-8"))["runs"]
        values = [self.times * self.value(run) for run in runs if self.which.items() <= run.items()]
        if not values:
            raise click.ClickException(
                f"results/{self.file}.json holds no run of {self.which}. Correct benchmarks/readme_table.py."
            )
        mean = self.form.format(statistics.fmean(values))
        return f"{mean} ± {self.form.format(statistics.stdev(values))}" if len(values) > 1 else mean

    def value(self, run: Any) -> float:
        """Return the measurement of one run."""
        for key in self.keys:
            run = run[key]
        return float(run[-1] if isinstance(run, list) else run)


@dataclass(frozen=True)
class Row:
    """A lesson in the table: its short title, its question, and a sentence with a gap for each of the ``values``."""

    title: str
    question: str
    result: str
    values: tuple[Checked | Setting | Mean, ...]


in_per_cent = partial(Checked, times=100)
ROWS = {
    "00": Row(
        "Start here",
        "Where am I, and what can this machine do?",
        "a first network reads {} % of new digits ({})",
        (in_per_cent("the first network reads digits it has never seen"), Setting("dataset")),
    ),
    "01": Row(
        "Convolution and pooling",
        "What does a convolution compute?",
        "an image moved by one pixel changes what a layer gives, apart from its move, by {} % with stride 2, "
        "by {} % with stride 1",
        (
            in_per_cent("stride 2: equivariance error at a shift of one pixel", "{:.0f}"),
            in_per_cent("stride 1: largest equivariance error, shifts of 0 to 8 pixels", "{:.0f}"),
        ),
    ),
    "02": Row(
        "MNIST",
        "Why not a dense network?",
        "{} % of MNIST's test digits with {} weights",
        (
            Mean("mnist_accuracy", {"recipe": "compact"}, ("test_accuracy",), times=100),
            Checked("compact has fewer than 10,000 parameters", "{:,.0f}"),
        ),
    ),
    "03": Row(
        "A CIFAR CNN",
        "How is a CNN trained well?",
        "a plain CNN is right about {} % of new images ({})",
        (in_per_cent("the network classifies images that it has never seen"), Setting("dataset")),
    ),
    "04": Row(
        "Residual networks",
        "Why do deep plain networks fail, and what repairs them?",
        "{} % on CIFAR-10's test images after {} s of training on two cores",
        (
            Mean("cifar10_recipes", {"recipe": "twenty minutes"}, ("test_accuracy", "2"), times=100),
            Mean("cifar10_recipes", {"recipe": "twenty minutes"}, ("seconds",), "{:,.0f}"),
        ),
    ),
    "05": Row(
        "Transfer learning",
        "How to use a network that somebody else trained?",
        "{} % on CIFAR-10's test images, fine-tuned for {} minutes on two cores; a head with ten labels of each class "
        "{} %",
        (
            Mean("cifar10_transfer", {"kind": "fine-tuned"}, ("test_accuracy",), times=100),
            Mean("cifar10_transfer", {"kind": "fine-tuned"}, ("seconds",), "{:.0f}", 1 / 60),
            Mean("cifar10_transfer", {"kind": "head, 10"}, ("test_accuracy",), times=100),
        ),
    ),
    "06": Row(
        "Mixed precision",
        "Half the bits, the same network?",
        "in bfloat16, {} steps in the time of one; {} points of accuracy",
        (
            Checked("mixed_bfloat16: steps in the time of one in float32"),
            Checked("mixed_bfloat16 loses (points)", "{:+.2f}", -1),
        ),
    ),
    "07": Row(
        "Distillation",
        "Can a small network learn from a large one?",
        "with few images a teacher adds at least {} points (95 % interval); one hardly better than its student {}",
        (
            Checked("distilled minus labels alone, lower end of the interval (points)", "{:+.1f}"),
            Checked("gain with many images (points), at most", "{:+.1f}"),
        ),
    ),
    "08": Row(
        "Quantization",
        "Eight bits, the same answers?",
        "int8: a file {} times smaller, {} points of accuracy",
        (
            Checked("bytes of the float32 file divided by int8's"),
            Checked("int8: accuracy lost against float32 (points)", "{:+.2f}", -1),
        ),
    ),
    "09": Row(
        "Grad-CAM",
        "Where does it look?",
        "Grad-CAM points to the object in {} % of images, {} points more often than the middle of the image does",
        (
            Checked("many: Grad-CAM points to the shape (%)", "{:.0f}"),
            Checked("many: Grad-CAM ahead, with tolerance (points)", "{:.0f}"),
        ),
    ),
    "10": Row(
        "SimCLR",
        "What can be learned without labels?",
        "a linear probe on features that were learned without labels: {} % on CIFAR-10's test images",
        (Mean("cifar10_simclr", {"kind": "pre-training"}, ("test_accuracy",), times=100),),
    ),
    "11": Row(
        "Hyperparameter search",
        "Which settings, and how good are they really?",
        "the setting of the best of 20 trainings, trained with other seeds, loses {} points",
        (Checked("best of 20: other seeds do not repeat it (points)"),),
    ),
    "12": Row(
        "Robustness",
        "How is a network fooled, and how hardened?",
        "an attack leaves {} % right answers, {} % after hardening",
        (
            Checked("PGD leaves an accuracy of (%)", "{:.0f}"),
            Checked("hardened, under PGD (%)", "{:.0f}"),
        ),
    ),
    "13": Row(
        "Deployment",
        "How does a network become a service?",
        "32 images together are answered {} times as fast as one at a time; replacing the model loses {} requests",
        (
            Checked("32 images together: images in a second, by one at a time"),
            Checked("requests lost or refused while the version changed", "{:.0f}"),
        ),
    ),
    "14": Row(
        "Scaling out",
        "When is one device not enough?",
        "two processes, one killed on the way: the weights end within {} % of those of an undisturbed run",
        (Checked("two processes, one killed on the way: weights differ by", "{:.2g}", 100),),
    ),
    "15": Row(
        "Beyond classification",
        "What else do convolutions do?",
        "a U-Net finds the object with an IoU of {}; without skip connections, {} less",
        (
            Checked("U-Net with skip connections: IoU, least of all", "{:.2f}"),
            Checked("IoU lost without skip connections, least of all", "{:.2f}"),
        ),
    ),
    "16": Row(
        "Leaderboard",
        "Which network should I use?",
        "rank correlation with the time of one answer (LiteRT): operations {}, {} more than parameters",
        (
            Checked("rank correlation of operations and time", "{:.2f}"),
            Checked("more than that of parameters, by", "{:.2f}"),
        ),
    ),
}


def table(lesson: Path, caption: str) -> list[tuple[str, ...]]:
    """Return the cells of each row of the table with that caption among the lesson's stored outputs."""
    for text in _shown(lesson):
        if f"<caption>{caption}</caption>" in text:
            rows = re.findall(r"<tr>(.*?)</tr>", text.partition("<tbody>")[2], flags=re.DOTALL)
            return [tuple(map(html.unescape, re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL))) for row in rows]
    raise click.ClickException(
        f"{lesson.name} has no stored table {caption!r}. Execute it: cnn-course execute {lesson.stem[:2]} --in-place"
    )


def settings(lesson: Path) -> dict[str, str]:
    """Return the parameters of a lesson's stored run."""
    return {name: value for name, value, *_ in table(lesson, "This run")}


def _shown(lesson: Path) -> Iterator[str]:
    """Yield what the cells of a lesson show as HTML."""
    for cell in json.loads(lesson.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            yield "".join(output.get("data", {}).get("text/html", []))


def line(number: str, row: Row, lesson: Path, results: Path) -> str:
    """Return the line of one lesson, from its executed notebook and the folder of results."""
    measured = row.result.format(*(value.text(lesson, results) for value in row.values))
    profile = settings(lesson)["profile"]
    return f"| {number} | [{row.title}](notebooks/{lesson.name}) | {row.question} | {measured} | {profile} |\n"


def lines(notebooks: Path, results: Path) -> str:
    """Return the whole table, with a line for each lesson in the folder ``notebooks``."""
    found = "| | lesson | the question it answers | measured | profile |\n| --- | --- | --- | --- | --- |\n"
    for lesson in sorted(notebooks.glob("*.ipynb")):
        number = lesson.name[:2]
        if number not in ROWS:
            raise click.ClickException(f"Lesson {lesson.stem} has no row in benchmarks/readme_table.py; write one.")
        found += line(number, ROWS[number], lesson, results)
    return found


def renewed(readme: str, notebooks: Path = ROOT / "notebooks", results: Path = ROOT / "results") -> str:
    """Return the text of the README with the table as it has to be."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise click.ClickException(f"README.md lacks one of the lines around the table: {BEGIN.strip()} {END.strip()}")
    return f"{before}{BEGIN}\n{lines(notebooks, results)}\n{END}{after}"


@click.command()
def main() -> None:
    """Write the table of the lessons into README.md."""
    readme = ROOT / "README.md"
    text = renewed(readme.read_text(encoding="utf-8"))
    with replacing(readme) as part:
        part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
