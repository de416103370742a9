"""What all figures share: colours, sizes, and a figure that carries its alternative text."""

import io
from typing import Any

import matplotlib as mpl
from matplotlib import figure
from PIL import Image

# Okabe and Ito's palette, told apart with every common form of colour blindness (Wong, Nature Methods 8, 441, 2011).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLE = {
    "axes.prop_cycle": mpl.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.8,
    "font.size": 10,
    "legend.frameon": False,
    "image.cmap": "viridis",
    "figure.facecolor": "white",
}
# Set once, on import, so that what a learner draws with pyplot looks like the rest of the lesson.
mpl.rcParams.update(STYLE)
DOTS_PER_INCH = 160
SCREEN_DOTS_PER_INCH = 80


def look(k: int) -> dict[str, str]:
    """Return colour and marker of series number ``k``; a colour that comes round again has another marker."""
    return {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[(k + k // len(COLOURS)) % len(MARKERS)]}


class Figure(figure.Figure):
    """A Matplotlib figure that carries its alternative text, ``alt``, into the notebook."""

    alt: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        """Return the PNG and, as its metadata, the alternative text and the size on the screen."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", metadata={"Software": None})
        png = _compact(buffer)
        # Bytes 16 to 24 of a PNG are its width and height (ISO/IEC 15948, section 11.2.2).
        width = int.from_bytes(png[16:20], "big") * SCREEN_DOTS_PER_INCH // DOTS_PER_INCH
        text = {"image/png": png, "text/plain": f"Figure: {self.alt}"}
        return text, {"image/png": {"alt": self.alt, "width": width}}


def _compact(png: io.BytesIO) -> bytes:
    """Return the same picture without its opacity, and with one channel where it is grey: half the bytes."""
    picture = Image.open(png).convert("RGB")
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        picture = red
    smaller = io.BytesIO()
    picture.save(smaller, "png", optimize=True)
    return smaller.getvalue()


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    size: tuple[float, float] = (6.4, 3.6),
    alt: str,
    **keywords: Any,
) -> tuple[Figure, Any]:
    """Return a :class:`Figure` of ``size`` inches in the course's style, and its axes as ``plt.subplots`` does."""
    drawn = Figure(figsize=size, layout="constrained")
    drawn.alt = alt
    return drawn, drawn.subplots(rows, columns, **keywords)
