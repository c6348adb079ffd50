"""What does a description say that was written as HTML?"""

from html.parser import HTMLParser

WITHIN_WORDS = frozenset(
    {"a", "b", "code", "em", "i", "mark", "small", "span", "strong", "sub", "sup", "u"}
)
"""Tags that end no word."""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in WITHIN_WORDS:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_of(html: str) -> str:
    """The text between the tags, on one line.

    >>> text_of("<p>Add &amp; <b>subtract</b></p><p>within 20</p>"), text_of("x < 3")
    ('Add & subtract within 20', 'x < 3')
    """
    reader = _Text()
    reader.feed(html)
    reader.close()
    return " ".join("".join(reader.parts).split())
