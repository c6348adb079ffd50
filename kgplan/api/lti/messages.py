"""What does a platform's message say? Claims whose signature was verified, as a launch.

LTI Core 1.3 and Deep Linking 2.0; pure.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kgplan.api.lti.registrations import Platform, Registrations, Role, address
from kgplan.api.object_ids import ObjectIds
from kgplan.data.events import usable_id
from kgplan.errors import LaunchRefused

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
VERSION = "1.3.0"
LINK, CHOICE = "LtiResourceLinkRequest", "LtiDeepLinkingRequest"
ITEM = "ltiResourceLink"
_ROLES = "http://purl.imsglobal.org/vocab/lis/v2/"
_ADMINISTRATES = (
    *("Administrator", f"{_ROLES}membership#Administrator"),
    *(f"{_ROLES}{of}/person#Administrator" for of in ("institution", "system")),
    f"{_ROLES}system/person#SysAdmin",
)
_TEACHES = ("Instructor", f"{_ROLES}membership#Instructor")


@dataclass(frozen=True)
class Choosing:
    """That somebody is to choose what a link in the platform opens.

    Attributes:
        return_url: where the browser takes the answer.
        data: that the answer repeats; None where there is none.
    """

    return_url: str
    data: str | None


@dataclass(frozen=True)
class Launch:
    """Who opened us, from where, and for what.

    Attributes:
        platform: by whose word.
        deployment_id: the place in it.
        name: what the platform calls this person.
        role: the one that allows most.
        asked: the course that the link names; empty where it names none.
        context: what the platform calls the course that the link stands in: id, label.
        choosing: where a link is being made; None where one was followed.
    """

    platform: Platform
    deployment_id: str
    name: str
    role: Role
    asked: str
    context: tuple[str, ...]
    choosing: Choosing | None

    @property
    def reaches_every_learner(self) -> bool:
        """Whether this person may look at other learners."""
        return self.role in self.platform.every_learner

    def course(self, ids: ObjectIds, known: Container[str]) -> str | None:
        """The course to open: the one that the link names, else the one that it stands in.

        Args:
            ids: what ids of activities stand for.
            known: courses of the graph.

        Returns:
            None where the link names none and the graph does not know where it stands.
        """
        if usable_id(self.asked):
            named = (each for each in (self.asked, *ids.names(self.asked)) if each in known)
            return next(named, self.asked)
        standing = (name for each in self.context for name in (each, *ids.names(each)))
        return next((each for each in standing if each in known), None)


def read_message(
    claims: Mapping[str, Any], platform: Platform, registrations: Registrations
) -> Launch:
    """What a message says.

    Args:
        claims: verified to be the platform's, meant for us, and in time.
        platform: the sender.
        registrations: where we are.

    Raises:
        LaunchRefused: with the claim that is missing or wrong.
    """
    _check_party(claims, platform)
    if _text(claims, f"{CLAIM}version") != VERSION:
        raise LaunchRefused(f"it is not of LTI {VERSION}")
    deployment_id = _text(claims, f"{CLAIM}deployment_id")
    if deployment_id not in platform.deployments:
        raise LaunchRefused("it comes from a deployment that is not registered here")
    kind = _text(claims, f"{CLAIM}message_type")
    if kind not in (LINK, CHOICE):
        raise LaunchRefused(f"its message_type is neither {LINK} nor {CHOICE}")
    if not registrations.is_here(_text(claims, f"{CLAIM}target_link_uri")):
        raise LaunchRefused("its target_link_uri is not an address of this service")
    if kind == LINK and not _text(_part(claims, f"{CLAIM}resource_link"), "id"):
        raise LaunchRefused("it does not say which link was followed")
    custom, context = _part(claims, f"{CLAIM}custom"), _part(claims, f"{CLAIM}context")
    name = _filled(claims if platform.learner == "sub" else custom, platform.learner)
    if not name:
        raise LaunchRefused(f"it does not say who opens it, in {platform.learner}")
    role = role_of(claims.get(f"{CLAIM}roles"))
    return Launch(
        platform,
        deployment_id,
        name,
        role,
        _filled(custom, "course_id"),
        tuple(filter(None, (_filled(context, each) for each in ("id", "label")))),
        _choosing(claims, role) if kind == CHOICE else None,
    )


def role_of(roles: Any) -> Role:
    """The role that allows most, in the course; that of a learner where none is known.

    That somebody teaches elsewhere in an institution says nothing of this course.

    >>> role_of(["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"])
    'Learner'
    >>> role_of(["Learner", "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"])
    'Instructor'
    """
    held = [each for each in roles if isinstance(each, str)] if isinstance(roles, list) else []
    if any(each in _ADMINISTRATES for each in held):
        return "Administrator"
    return "Instructor" if any(each in _TEACHES for each in held) else "Learner"


def deep_link(
    platform: Platform,
    deployment_id: str,
    data: str | None,
    items: Sequence[Mapping[str, Any]],
    now: float,
    nonce: str,
) -> dict[str, Any]:
    """The claims of the answer to who is choosing (Deep Linking 2.0, 4.4).

    Args:
        platform, deployment_id: that asked.
        data: as it was asked with.
        items: what was chosen; none where nothing was.
        now: seconds since 1970.
        nonce: that was never used.
    """
    claims = {
        "iss": platform.client_id,
        "aud": platform.issuer,
        "azp": platform.issuer,
        "iat": int(now),
        "exp": int(now) + 300,
        "nonce": nonce,
        f"{CLAIM}deployment_id": deployment_id,
        f"{CLAIM}message_type": "LtiDeepLinkingResponse",
        f"{CLAIM}version": VERSION,
        f"{DEEP_LINKING}content_items": list(items),
    }
    return claims if data is None else claims | {f"{DEEP_LINKING}data": data}


def _check_party(claims: Mapping[str, Any], platform: Platform) -> None:
    """Refuse what is meant for others too, and was not asked for by us (OIDC Core, 3.1.3.7)."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != platform.client_id:
        raise LaunchRefused("another party asked for it")


def _choosing(claims: Mapping[str, Any], role: Role) -> Choosing:
    if role == "Learner":
        raise LaunchRefused("links are chosen by those who teach or administrate")
    settings = _part(claims, f"{DEEP_LINKING}deep_linking_settings")
    taken, data = settings.get("accept_types"), settings.get("data")
    if not isinstance(taken, list) or ITEM not in taken:
        raise LaunchRefused(f"the platform takes no {ITEM} here")
    try:
        return_url = address(_text(settings, "deep_link_return_url"))
    except ValueError:
        raise LaunchRefused("its deep_link_return_url is no https address") from None
    return Choosing(return_url, data if isinstance(data, str) else None)


def _text(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    return found if isinstance(found, str) else ""


def _filled(values: Mapping[str, Any], name: str) -> str:
    """A text; empty where the platform left its own variable in it, as it knows no value."""
    found = _text(values, name).strip()
    return "" if found.startswith("$") else found


def _part(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = claims.get(name)
    return found if isinstance(found, Mapping) else {}
