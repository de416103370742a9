"""Every network of the course in one table: what it costs, what it reaches, and which one no other beats. Lesson 16."""

from cnn_course.leaderboard.contenders import Contender, contenders
from cnn_course.leaderboard.costs import YARDSTICKS, Cost, measured, yardstick
from cnn_course.leaderboard.table import ARTICLES, Claim, Row, as_markdown, beating, pareto_front, rows

__all__ = [
    "ARTICLES",
    "YARDSTICKS",
    "Claim",
    "Contender",
    "Cost",
    "Row",
    "as_markdown",
    "beating",
    "contenders",
    "measured",
    "pareto_front",
    "rows",
    "yardstick",
]
