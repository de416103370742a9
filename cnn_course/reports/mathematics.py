"""Formulas as MathML, which browsers show without any script or network.

The conversion is latex2mathml's; here its gaps are closed (``aligned``, ``\\operatorname*``, bold italics), and what
it would pass through unconverted is an error.
"""

import re
import unicodedata

# MathML Core knows one value of mathvariant, "normal"; the other styles are characters of their own in Unicode.
_STYLES = {
    "bold-italic": "MATHEMATICAL BOLD ITALIC",
    "bold": "MATHEMATICAL BOLD",
    "monospace": "MATHEMATICAL MONOSPACE",
}


class FormulaError(ValueError):
    """A formula that cannot be converted."""


def to_mathml(latex: str, *, display: bool = False) -> str:
    """Return the LaTeX formula (without its dollar signs) as a ``<math>`` element.

    Raises:
        FormulaError: The formula is not well formed, or holds a command that is not known.
    """
    from latex2mathml.converter import convert

    try:
        mathml = convert(_prepare(latex), display="block" if display else "inline")
    except Exception as error:  # latex2mathml's exceptions have no common class, and some are IndexErrors
        raise FormulaError(f"The formula {latex.strip()!r} cannot be read: {type(error).__name__}.") from error
    unknown = re.search(r">[^<]*(\\\w+|(?<=>)&(?=<))[^<]*<", mathml)
    if unknown:
        raise FormulaError(f"The formula {latex.strip()!r} holds {unknown[1]!r}, which is not known here.")
    mathml = re.sub(r'<(mi|mtext) mathvariant="([a-z-]+)">([^<]*)</\1>', _styled, mathml)
    mathml = re.sub(r"<m[io]([^>]*)>([a-zA-Z]{2}[^<]*)</m[io]>(<mo[^>]*>&#x00028;)?", _function_name, mathml)
    # MathML Core leaves the alignment and the spacing of columns to CSS.
    mathml = re.sub(r'columnalign="(left|right|center)"', r'style="text-align: \1"', mathml)
    return re.sub(r'<mtable([^>]*) columnspacing="0em[^"]*"', r'<mtable\1 class="aligned"', mathml)


def _prepare(latex: str) -> str:
    """Return the formula with what latex2mathml does not know in words that it knows."""
    latex = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{split}", latex.strip())
    return re.sub(r"\\operatorname\*?\{([^{}]*)\}", _operator, latex)


def _operator(found: re.Match) -> str:
    """Return ``\\operatorname{...}`` with thin spaces in the place of TeX's spacing commands."""
    words = re.sub(r"\\[,;: ]", "\u2009", found[1])
    return rf"\operatorname{{{words}}}"


def _function_name(found: re.Match) -> str:
    """Return the name of a function (log, max) with TeX's spaces around it instead of those of a relation."""
    attributes, name, parenthesis = found.groups()
    after = "0" if parenthesis else "0.17em"
    return f'<mo{attributes} lspace="0.17em" rspace="{after}">{name}</mo>{parenthesis or ""}'


def _styled(element: re.Match) -> str:
    """Return the element with its letters replaced by those of its style, and without the attribute."""
    tag, variant, text = element.groups()
    if variant not in _STYLES or "&" in text:
        return element[0]
    return f"<{tag}>{''.join(_letter(sign, _STYLES[variant]) for sign in text)}</{tag}>"


def _letter(sign: str, style: str) -> str:
    kinds = {"LATIN SMALL LETTER": "SMALL", "LATIN CAPITAL LETTER": "CAPITAL", "DIGIT": "DIGIT"}
    kinds |= {"GREEK SMALL LETTER": "SMALL", "GREEK CAPITAL LETTER": "CAPITAL"}
    words = unicodedata.name(sign, "").rpartition(" ")
    try:
        return unicodedata.lookup(f"{style} {kinds[words[0]]} {words[2]}")
    except KeyError:  # no such letter in this style: the plain one
        return sign
