"""The command line, ``cnn-course``: it reads what was asked, and leaves the work to the package."""

import shutil
from pathlib import Path
from typing import Any

import click

from cnn_course import __version__

PROFILES = click.Choice(["auto", "quick", "full"])


class Paragraphs(click.Group):
    """A group whose commands end with one paragraph and exit code 1 where something is asked that cannot be."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; what the package refuses becomes the command's error message."""
        from cnn_course.exercises.progress import ProgressError
        from cnn_course.reports.errors import ReportError

        try:
            return super().invoke(context)
        except (ReportError, ProgressError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Paragraphs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cnn-course")
def main() -> None:
    """Run the lessons of the CNN course as reports, compare runs, serve a network, and look at the machine."""


def notebooks_option(command: Any) -> Any:
    """Add the option that names the folder of the lessons."""
    place = click.Path(exists=True, file_okay=False, path_type=Path)
    text = "Folder of the lessons; by default those that came with the course."
    return click.option("--notebooks", type=place, help=text)(command)


@main.command("list")
@notebooks_option
def list_lessons(notebooks: Path | None) -> None:
    """List the lessons."""
    from cnn_course.reports import catalogue

    for lesson in catalogue.lessons(notebooks):
        click.secho(f"{lesson.name}", bold=True, nl=False)
        click.echo(f"  {lesson.title}\n{click.wrap_text(lesson.sentence, 100, '    ', '    ')}")


@main.command()
@notebooks_option
def progress(notebooks: Path | None) -> None:
    """Show which exercises you have solved, and which one is next."""
    from cnn_course.exercises import progress
    from cnn_course.reports import catalogue

    click.echo(progress.overview(catalogue.lessons(notebooks)))
    click.echo(f"They are recorded in {progress.progress_file()}")


@main.command()
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@click.option("--profile", type=PROFILES, default="auto", show_default=True, help="How much is computed.")
@click.option("-p", "--parameter", "given", nargs=2, multiple=True, metavar="NAME VALUE", help="Set a parameter.")
@click.option("--out", type=click.Path(path_type=Path), default="reports", show_default=True, help="Folder to write.")
@click.option("--code/--no-code", default=True, show_default=True, help="Show the code of the lessons, or hide it.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Lessons at the same time.")
@notebooks_option
def run(
    lessons: tuple[str, ...],
    profile: str,
    given: tuple[tuple[str, str], ...],
    out: Path,
    code: bool,
    jobs: int,
    notebooks: Path | None,
) -> None:
    """Execute lessons and write HTML reports with an index.

    LESSON is a number (2 or 02) or a name (02_mnist); without any, all lessons are run.
    """
    from cnn_course.reports import catalogue, running

    chosen = catalogue.choose(lessons, catalogue.lessons(notebooks))
    parameters = {name: catalogue.literal(value) for name, value in given}
    profile = _one_profile(profile, parameters)
    plans = [running.Plan(lesson, profile, parameters, code, notebooks) for lesson in chosen]
    try:
        reports = running.run(plans, out, jobs=jobs)
    except running.Interrupted as stopped:
        click.echo(f"\n{stopped}", err=True)
        raise click.exceptions.Exit(128 + stopped.signal_number) from None
    bad = [report.run for report in reports if report.status != "passed"]
    click.echo(f"\n{len(reports) - len(bad)} of {len(reports)} lessons passed. Open {out.absolute() / 'index.html'}")
    if bad:
        raise click.ClickException(f"These did not: {', '.join(bad)}. The index shows the cell and the error of each.")


def _one_profile(profile: str, parameters: dict[str, Any]) -> str:
    """Take the profile out of the parameters, where it may stand as well, and return the one that holds."""
    other = parameters.pop("profile", profile)
    if other not in PROFILES.choices:
        raise click.ClickException(f"The profile is {other!r}; it can be 'auto', 'quick' or 'full'.")
    if profile not in ("auto", other):
        raise click.ClickException(f"--profile says {profile!r} and -p profile says {other!r}; give one of them.")
    return other


@main.command("grid")
@click.argument("lesson")
@click.option("--profile", type=PROFILES, default="auto", show_default=True, help="How much is computed.")
@click.option(
    "-p", "--parameter", "given", nargs=2, multiple=True, metavar="NAME V1,V2,...", help="Values of a parameter."
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write; by default reports/grid-LESSON.")
@click.option("--scheduler", metavar="ADDRESS", help="Of your own dask scheduler, tcp://HOST:8786; else this machine.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs at once, on this machine.")
@notebooks_option
def run_grid(
    lesson: str,
    profile: str,
    given: tuple[tuple[str, str], ...],
    out: Path | None,
    scheduler: str | None,
    jobs: int,
    notebooks: Path | None,
) -> None:
    """Execute a lesson with every combination of the given values, and compare the runs.

    Runs that are finished are not repeated; those of a lost worker are. It needs dask: pip install
    'cnn-course[cluster]'.
    """
    from cnn_course.reports import catalogue, grid, running

    chosen = catalogue.choose([lesson], catalogue.lessons(notebooks))[0]
    plans = grid.plans(chosen, profile, grid.values_by_name(given), notebooks)
    out = out or Path("reports") / f"grid-{chosen.name}"
    try:
        made = grid.run(plans, out, scheduler=scheduler, jobs=jobs)
    except running.Interrupted as stopped:
        click.echo(f"\n{stopped} The same command goes on from there.", err=True)
        raise click.exceptions.Exit(128 + stopped.signal_number) from None
    click.echo(f"\n{made.table}\n\nOpen {made.page or out.absolute() / 'index.html'}")
    bad = [*made.given_up, *(report.run for report in made.reports if report.status != "passed")]
    if bad:
        raise click.ClickException(f"These did not pass: {', '.join(bad)}.")


@main.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default="reports/comparison", show_default=True)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric; may be repeated.")
def compare(runs: tuple[Path, ...], out: Path, metrics: tuple[str, ...]) -> None:
    """Compare runs over the parameters that differ; seeds become mean and spread.

    RUN is the folder of a report, or its results.json.
    """
    from cnn_course.reports import comparison

    compared = comparison.compare(runs, metrics)
    click.echo(compared.as_text())
    click.echo(f"\nOpen {comparison.write(compared, out)}; the single runs are in comparison.csv beside it.")


@main.command()
def doctor() -> None:
    """Show versions, devices and data sets, and what to do about what is missing."""
    from cnn_course import machine, startup
    from cnn_course.datasets import availability

    startup.start_tensorflow_quietly()
    found = machine.environment()
    _heading("Versions")
    _rows({**found["versions"], "Keras runs on": found["backend"]})
    _heading("Machine")
    _rows(
        {
            "device": found["device"],
            "processor": f"{found['cpu']}, {found['cores']} cores usable",
            "memory": f"{machine.memory_bytes() / 2**30:.1f} GiB",
            "system": found["platform"],
        }
    )
    if found["device"] == "CPU":
        click.echo("No GPU is seen: the quick profile is made for that, and 'auto' chooses it.")
    _heading("Processor features")
    for name, present in machine.cpu_features().items():
        state = {True: "yes", False: "no", None: "not known"}[present]
        click.echo(f"  {name:<12} {state:<9} {machine.CPU_FEATURES[name]}")
    _heading("Data sets")
    sets = availability()
    _rows(sets)
    if any(place.startswith("not on this machine") for place in sets.values()):
        click.echo(
            "A set that is not here is downloaded when a lesson first needs it. Without a network, put NAME.npz "
            "(arrays x_train, y_train, x_test, y_test) into a folder and set CNN_COURSE_DATA to it, or choose another "
            "set with -p dataset NAME. The quick profile needs only what comes with the course."
        )


def _heading(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _rows(entries: dict[str, str]) -> None:
    width = max(map(len, entries))
    for name, value in entries.items():
        click.echo(f"  {name:<{width}}  {value}")


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace lessons that are there already, with what you did in them.")
def copy(folder: Path, force: bool) -> None:
    """Copy the lessons into DIR, to work in them."""
    from cnn_course.reports import catalogue

    lessons = catalogue.lessons()
    there = [lesson.path.name for lesson in lessons if (folder / lesson.path.name).exists()]
    if there and not force:
        raise click.ClickException(
            f"{folder} already holds {', '.join(there)}. Name another folder, or replace them with --force."
        )
    parts = [(lesson.path, folder / f".{lesson.path.name}.part") for lesson in lessons]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source, part in parts:
            shutil.copyfile(source, part)
        for source, part in parts:
            part.replace(folder / source.name)
    except OSError as error:
        raise click.ClickException(f"The lessons cannot be copied to {folder}: {error.strerror or error}.") from error
    finally:
        for _, part in parts:
            if part.exists():
                part.unlink()
    click.echo(f"The lessons are in {folder.absolute()}. Open them with: jupyter lab {folder}")


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; fail where a lesson has other links than it should.")
@notebooks_option
def navigation(check: bool, notebooks: Path | None) -> None:
    """For authors: write the links to the previous lesson, the contents and the next one into all lessons."""
    from cnn_course.reports import catalogue, navigation

    altered = ", ".join(lesson.name for lesson in navigation.connect(catalogue.lessons(notebooks), store=not check))
    if check and altered:
        raise click.ClickException(f"The links are out of step in {altered}. 'cnn-course navigation' repairs them.")
    click.echo(f"Links written into {altered}." if altered else "All links are in step.")


@main.command()
@click.option("--repo", metavar="OWNER/NAME", help="The repository on GitHub that holds the course.")
@click.option("--ref", metavar="TAG", help="The version of it: a tag, a branch or a commit.")
@click.option("--remove", is_flag=True, help="Take the badges and the address out of the lessons.")
@click.option("--check", is_flag=True, help="Write nothing; fail where the lessons differ in this.")
@notebooks_option
def colab(repo: str | None, ref: str | None, remove: bool, check: bool, notebooks: Path | None) -> None:
    """For authors: write into all lessons a badge that opens them on Colab, and where Colab finds the course."""
    from cnn_course.reports import catalogue, colab

    if [bool(repo or ref), remove, check].count(True) != 1 or bool(repo) != bool(ref):
        raise click.UsageError("Give --repo OWNER/NAME and --ref TAG, or --remove alone, or --check alone.")
    lessons = catalogue.lessons(notebooks)
    if check:
        altered = ", ".join(lesson.name for lesson in colab.out_of_step(lessons))
        if altered:
            raise click.ClickException(f"Out of step: {altered}. Give --repo and --ref, or --remove, to repair that.")
    else:
        repository = None if remove else colab.Repository(repo, ref)
        altered = ", ".join(lesson.name for lesson in colab.stamp(lessons, repository))
    click.echo(f"Written into {altered}." if altered else "All lessons are in step.")


@main.command()
@click.argument("lessons", nargs=-1, required=True, metavar="LESSON...")
@click.option("--profile", type=PROFILES, default="full", show_default=True, help="How much is computed.")
@click.option("--in-place", is_flag=True, help="Replace the stored notebook; without it, only say whether that works.")
@notebooks_option
def execute(lessons: tuple[str, ...], profile: str, in_place: bool, notebooks: Path | None) -> None:
    """For authors: execute lessons from top to bottom and store them with clean outputs.

    A lesson with a failed cell or check, or an output that shows a path of this machine, is not stored.
    """
    from tqdm import tqdm

    from cnn_course.reports import authoring, catalogue

    for lesson in catalogue.choose(lessons, catalogue.lessons(notebooks)):
        count = sum(kind == "code" and bool(source.strip()) for kind, source in lesson.cells)
        with tqdm(total=count, unit="cell", desc=lesson.name, disable=None) as bar:
            authoring.execute_in_place(lesson, profile, store=in_place, on_cell=bar.update)
        click.echo(f"{lesson.name}: {'stored' if in_place else 'could be stored; --in-place does it'}")


def _serving_commands() -> Any:
    """Import what exports and serves, with TensorFlow, which takes seconds."""
    from cnn_course import startup

    startup.start_tensorflow_quietly()
    from cnn_course.serving import commands

    return commands


@main.command()
@click.argument("network", metavar="NETWORK")
@click.option("--out", type=click.Path(path_type=Path), default="models", show_default=True, help="Folder of models.")
@click.option("--name", help="The model's name; by default the network's.")
@click.option("--labels", type=click.Path(path_type=Path), help="A text file with the name of a class in each line.")
@click.option("--size", type=click.IntRange(min=1), help="Height and width of the images, if the network leaves them.")
@click.option("--version", type=click.IntRange(min=1), help="Number of the version; by default the next one.")
@click.option("--litert", type=click.Choice(["float32", "dynamic", "float16", "int8"]), help="A LiteRT file as well.")
@click.option("--representative", metavar="DATASET", help="Images from which int8 learns its ranges.")
def export(network: str, out: Path, **described: Any) -> None:
    """Write a network as a SavedModel that can be served, with its preprocessing inside.

    NETWORK is one that came with the course (fast_network, student), or a .keras file. The version goes to
    OUT/NAME/NUMBER.
    """
    commands = _serving_commands()
    try:
        version = commands.export_network(network, out, **described)
    except commands.ServingError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{version} is written. Serve it with: cnn-course serve {version.parent}")


@main.command()
@click.argument("model", metavar="MODEL", type=click.Path(path_type=Path))
@click.option("--name", help="The model's name in the addresses; by default that of the folder.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others may reach 0.0.0.0.")
@click.option("--port", type=click.IntRange(0, 65535), default=8501, show_default=True, help="0 takes a free one.")
@click.option("--batching/--no-batching", default=True, show_default=True, help="Compute requests together.")
@click.option("--largest-batch", type=click.IntRange(min=1), default=64, show_default=True, help="Rows in a batch.")
@click.option(
    "--largest-request", type=click.IntRange(min=1), default=256, show_default=True, help="Rows in a request."
)
@click.option("--largest-body", type=click.IntRange(min=1), default=16, show_default=True, help="Of a request, in MiB.")
@click.option("--poll", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds between looks.")
def serve(
    model: Path,
    name: str | None,
    host: str,
    port: int,
    batching: bool,
    largest_batch: int,
    largest_request: int,
    largest_body: int,
    poll: float,
) -> None:
    """Serve a model by TensorFlow Serving's REST contract, with its metrics at /metrics.

    MODEL is a folder that holds numbered versions, as 'cnn-course export' writes them. The newest is served, and a
    new one is picked up. Ctrl+C ends the service when it has answered what it has accepted.
    """
    commands = _serving_commands()
    try:
        commands.serve_folder(
            model,
            name=name,
            host=host,
            port=port,
            batching=batching,
            largest_batch=largest_batch,
            poll_seconds=poll,
            limits=commands.Limits(rows=largest_request, body_bytes=largest_body * 2**20),
            tell=lambda line: print(line, flush=True),
        )
    except commands.ServingError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
