"""Where on the platform is a video opened? Addresses by a template of the platform's."""

from dataclasses import dataclass
from string import Formatter
from urllib.parse import quote, urlsplit

from kgplan.errors import ConfigError

PLACEHOLDERS = ("course_id", "item_id")
EXAMPLE = "https://lms.example/courses/{course_id}/videos/{item_id}"


@dataclass(frozen=True)
class Links:
    """The platform's addresses.

    Attributes:
        template: of an address, with `PLACEHOLDERS`; empty: nothing has one. `of` checks it.
    """

    template: str = ""

    @classmethod
    def of(cls, template: str) -> "Links":
        """Read the setting `KGPLAN_LINKS`.

        Raises:
            ConfigError: it has another placeholder, or is no template of an http or https address.

        >>> Links.of("https://lms.example/{course_id}?v={item_id}").to("C_1", "V_1")
        'https://lms.example/C_1?v=V_1'
        """
        fault = fault_of(template) if template else ""
        if fault:
            raise ConfigError(f"KGPLAN_LINKS is {template!r}: {fault}; write it as in {EXAMPLE}")
        return cls(template)

    def to(self, course_id: str, item_id: str | None) -> str | None:
        """Address of a video in a course; None where there is no video, or no template.

        >>> Links(EXAMPLE).to("C_course-v1:X+1", "a/b?")
        'https://lms.example/courses/C_course-v1%3AX%2B1/videos/a%2Fb%3F'
        """
        if item_id is None or not self.template:
            return None
        return self.template.format(
            course_id=quote(course_id, safe=""), item_id=quote(item_id, safe="")
        )


def fault_of(template: str) -> str:
    """What is wrong with a template; empty where nothing is."""
    try:
        parts = list(Formatter().parse(template))
        address = urlsplit(template)
    except ValueError as error:
        return f"it cannot be read, {error}"
    if any(character.isspace() or not character.isprintable() for character in template):
        return "it has a space or a control character"
    if address.scheme not in ("http", "https"):
        return "it does not begin with http:// or https://"
    if not address.netloc or "{" in address.netloc:
        return "it names no host"
    named = {name for _, name, _, _ in parts if name is not None}
    plain = all(not form and not conversion for _, _, form, conversion in parts)
    if unknown := sorted(named - set(PLACEHOLDERS)):
        return f"it has the placeholder {{{unknown[0]}}}, and there are {{course_id}}, {{item_id}}"
    return "" if plain else "a placeholder stands as it is, without ! and :"
