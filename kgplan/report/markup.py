"""Texts for XML and HTML."""

import html
from typing import Any

_NOT_XML = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
)


def clean(value: Any) -> str:
    """A text without the characters that XML 1.0 cannot hold (its section 2.2).

    >>> clean("a\\x07b\\ufffe\\tc")
    'ab\\tc'
    """
    return str(value).translate(_NOT_XML)


def escape(text: str) -> str:
    """A text to stand in XML or HTML, also within an attribute; characters of no use are left out.

    >>> escape("a\\x00 & <b>")
    'a &amp; &lt;b&gt;'
    """
    return html.escape(clean(text))
