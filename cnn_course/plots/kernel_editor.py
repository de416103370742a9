"""A kernel to play with: its entries to change, and what it makes of a photo beside them."""

import base64
import html
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnn_course.lesson import is_strict
from cnn_course.plots.convolutions import filter_responses
from cnn_course.plots.style import Figure

YOUR_OWN = "your own"
WIDGET = "application/vnd.jupyter.widget-view+json"


class KernelEditor:
    """The entries of a kernel in fields, and the photo before and after; a picture where nothing can be typed.

    In a notebook with ipywidgets (JupyterLab, Colab) each change is computed and drawn at once. The output holds the
    picture of the first kernel as well, for everything that shows the notebook later without running it. Without
    ipywidgets, and in reports and tests (``$CNN_COURSE_STRICT``), that picture is all.

    Args:
        photo: A grey photo (height, width) with values from 0 to 1.
        kernels: The kernels to begin with by name, all of one shape (rows, columns); the first is shown first.
        respond: Returns the response (height, width) of the photo to a kernel.

    Attributes:
        kernel: The kernel as it is now.

    Raises:
        ValueError: There is no kernel, or they are not all matrices of one shape.
    """

    def __init__(
        self,
        photo: np.ndarray,
        kernels: Mapping[str, np.ndarray],
        respond: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self._photo = photo
        self._kernels = {name: np.asarray(kernel, dtype=float) for name, kernel in kernels.items()}
        self._respond = respond
        shapes = {kernel.shape for kernel in self._kernels.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise ValueError(f"The kernels of an editor are matrices of one shape; these have {sorted(shapes)}.")
        first = next(iter(self._kernels))
        self.kernel = self._kernels[first]
        self._still = self._draw(first)
        self._widgets = None if is_strict() else _ipywidgets()
        if self._widgets:
            self._lay_out(first)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        """Return the picture with its alternative text, and the editor where there is one."""
        data, metadata = self._still._repr_mimebundle_()
        if self._widgets:
            data[WIDGET] = {"version_major": 2, "version_minor": 0, "model_id": self.editor.model_id}
        return data, metadata

    def _lay_out(self, first: str) -> None:
        widgets = self._widgets
        rows, columns = self.kernel.shape
        narrow = widgets.Layout(width="5em")
        self.choice = widgets.Dropdown(options=[*self._kernels, YOUR_OWN], value=first, description="kernel")
        self.fields = [widgets.FloatText(value=entry, step=1, layout=narrow) for entry in self.kernel.flat]
        self.picture = widgets.HTML()  # widgets.Image has no alternative text
        self.said = widgets.HTML()
        grid = [widgets.HBox(self.fields[row * columns : (row + 1) * columns]) for row in range(rows)]
        # In a narrow window the picture goes below the fields; beside them it would leave them no room.
        beside = widgets.Layout(flex_flow="row wrap")
        self.editor = widgets.VBox(
            [widgets.HBox([widgets.VBox([self.choice, *grid]), self.picture], layout=beside), self.said]
        )
        self._filling = False
        self.choice.observe(self._fill, "value")
        for field in self.fields:
            field.observe(self._follow, "value")
        self._show()

    def _fill(self, change: Mapping[str, Any]) -> None:
        """Write the chosen kernel into the fields."""
        if self._filling or change["new"] == YOUR_OWN:
            return
        self._filling = True
        for field, entry in zip(self.fields, self._kernels[change["new"]].flat, strict=True):
            field.value = entry
        self._filling = False
        self._show()

    def _follow(self, change: Mapping[str, Any]) -> None:
        """Take over what was typed into a field."""
        if self._filling:
            return
        self._filling = True
        self.choice.value = YOUR_OWN
        self._filling = False
        self._show()

    def _show(self) -> None:
        """Compute the response to the kernel in the fields, draw it, and say in words what it is."""
        self.kernel = np.array([field.value for field in self.fields]).reshape(self.kernel.shape)
        drawn = self._draw(self.choice.value)
        data, metadata = drawn._repr_mimebundle_()
        self.picture.value = _picture(data["image/png"], **metadata["image/png"])
        response, total = self._respond(self.kernel), round(float(self.kernel.sum()), 9)
        shades = "black is 0 and white is 1" if total else "middle grey is 0"
        self.said.value = html.escape(
            f"The entries sum to {total:g}, and that is what an even surface of brightness 1 becomes. "
            f"On this photo the response goes from {response.min():.2f} to {response.max():.2f}; {shades}."
        )

    def _draw(self, name: str) -> Figure:
        return filter_responses(self._photo, {name: (self.kernel, self._respond(self.kernel))}, panel=3.2)


def _picture(png: bytes, *, alt: str, width: int) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    return f'<img src="{source}" alt="{html.escape(alt)}" width="{width}" style="max-width:100%">'


def _ipywidgets() -> Any:
    """Return the module ipywidgets, or ``None`` where it is not installed."""
    try:
        return importlib.import_module("ipywidgets")
    except ImportError:
        return None
