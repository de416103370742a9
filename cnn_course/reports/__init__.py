"""Reports: lessons executed by papermill, shown as HTML that needs no network, and compared with each other.

- :mod:`catalogue`: which lessons there are, and which parameters they take;
- :mod:`execution`: one notebook in a kernel of its own;
- :mod:`running`: several lessons, each into a folder of its own that appears when it is whole;
- :mod:`mathematics`, :mod:`formats`, :mod:`thumbnails` and :mod:`pages`: the HTML;
- :mod:`comparison`: several runs of a lesson side by side;
- :mod:`grid` and :mod:`workers`: all combinations of some parameters' values, on one machine or on many;
- :mod:`authoring`: the outputs that are stored with a lesson;
- :mod:`navigation`, :mod:`colab` and :mod:`generated`: the cells that commands write into the lessons.

Importing this package is cheap; papermill and nbconvert are imported by what needs them.
"""

from cnn_course.reports.authoring import changed_since_execution
from cnn_course.reports.errors import ReportError

__all__ = ["ReportError", "changed_since_execution"]
