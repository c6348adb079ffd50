"""How does a platform prove who opens us? Login, launch, and what follows from them.

1. The platform sends the browser to us (OpenID Connect, third-party initiated login). We send it
   on to the platform with a fresh nonce, and a state that holds it under our seal: no memory.
2. The platform posts a signed id token, and the state, by the browser. The token is verified
   against the platform's keys; its nonce must be the state's, and counts once.
3. The browser must be the one that logged in: it brings the cookie of the login, or, where it
   keeps none of embedded pages, says that the platform's own page posts (`Origin`). So nobody
   makes another's browser go through with a login of theirs.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kgplan.api.keys import Keys, SecretKeys, published_keys
from kgplan.api.lti.messages import ITEM, Choosing, Launch, deep_link, read_message
from kgplan.api.lti.own_key import OwnKey, own_key
from kgplan.api.lti.registrations import Platform, Registrations, read_registrations
from kgplan.api.tokens import Verifier, mint, verified_claims
from kgplan.errors import ConfigError, InvalidToken, KeysUnavailable, LaunchRefused
from kgplan.settings import Settings

LOGIN_SECONDS = 600.0  # that a person may take at the platform's
CHOICE_SECONDS = 3_600.0  # that somebody may take to choose
ID_TOKEN_BYTES = 1 << 16
STATE, TICKET, VISIT = "state", "ticket", "visit"  # what is sealed
COOKIE = "__Host-kgplan-lti-"

UseOnce = Callable[[str, float], Awaitable[bool]]
"""Takes a nonce and until when it must be remembered; gives whether it is its first use."""


@dataclass(frozen=True)
class Login:
    """Where a browser goes to prove who it is of.

    Attributes:
        address: of the platform.
        cookie: its name.
        secret: its value.
    """

    address: str
    cookie: str
    secret: str


@dataclass(frozen=True)
class Tool:
    """Us, as platforms know us.

    Attributes:
        registrations: of the platforms.
        key: our own.
        keys: of each platform, in the order of the registrations.
        audience: `aud` of our tokens.
        clock: seconds since 1970.
    """

    registrations: Registrations
    key: OwnKey
    keys: tuple[Keys, ...]
    audience: str
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, settings: Settings) -> "Tool | None":
        """What the settings say; None where no platform may open us.

        Raises:
            ConfigError: the file, a key in it, or that tokens are not asked for.
        """
        if settings.lti is None:
            return None
        if settings.auth != "jwt":
            raise ConfigError(
                f"KGPLAN_LTI is set and KGPLAN_AUTH is {settings.auth}: everybody could read every"
                " learner; ask for tokens (KGPLAN_AUTH=jwt), or leave KGPLAN_LTI away"
            )
        found = read_registrations(settings.lti)
        keys = []
        for n, each in enumerate(found.platforms):
            place = f"{settings.lti}: platforms[{n}].jwks"
            published = published_keys(each.jwks, place)
            if "://" not in each.jwks:
                try:
                    published.load()
                except KeysUnavailable as error:
                    raise ConfigError(f"{place}: {error}") from None
            keys.append(published)
        key = own_key(found.key, settings.home)
        return cls(found, key, tuple(keys), settings.auth_audience)

    @property
    def issuer(self) -> str:
        """`iss` of our tokens."""
        return self.at("lti")

    @property
    def verifier(self) -> Verifier:
        """Reads our tokens."""
        return Verifier(SecretKeys([self.key.secret(VISIT)]), self.audience, self.issuer)

    def at(self, path: str) -> str:
        """An address of ours as browsers know it."""
        return f"{self.registrations.url}/{path}"

    def login(self, asked: Mapping[str, str]) -> Login:
        """Where to go for a login that a platform initiates.

        Args:
            asked: parameters of the request.

        Raises:
            LaunchRefused: by a platform that is not registered, or leads elsewhere.
        """
        platform = self.registrations.find(asked.get("iss", ""), asked.get("client_id"))
        if platform is None:
            raise LaunchRefused("its platform (iss, client_id) is not registered here")
        for name in ("login_hint", "target_link_uri"):
            if not asked.get(name):
                raise LaunchRefused(f"it has no {name}")
        if not self.registrations.is_here(asked["target_link_uri"]):
            raise LaunchRefused("its target_link_uri is not an address of this service")
        nonce, secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        state = {
            "iss": platform.issuer,
            "client": platform.client_id,
            "nonce": nonce,
            "browser": digest(secret),
        }
        question = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": platform.client_id,
            "redirect_uri": self.at("lti/launch"),
            "login_hint": asked["login_hint"],
            "nonce": nonce,
            "state": self.key.seal(STATE, state, LOGIN_SECONDS, self.clock()),
        }
        if "lti_message_hint" in asked:
            question["lti_message_hint"] = asked["lti_message_hint"]
        joined = "&" if "?" in platform.auth_url else "?"
        return Login(f"{platform.auth_url}{joined}{urlencode(question)}", cookie_of(nonce), secret)

    async def launch(
        self,
        posted: Mapping[str, str],
        cookies: Mapping[str, str],
        origin: str | None,
        use_once: UseOnce,
    ) -> Launch:
        """Who opens us, by the platform's word.

        Args:
            posted: the form.
            cookies, origin: that the browser sent with it.
            use_once: remembers nonces.

        Raises:
            LaunchRefused: it proves nothing.
            KeysUnavailable: the platform's keys could not be read yet.
        """
        state = self._state(posted)
        platform = self._registered(state)
        cookie = cookies.get(cookie_of(state["nonce"]))
        if cookie is not None:
            bound = hmac.compare_digest(digest(cookie), state["browser"])
        else:
            bound = (origin or "").lower() in platform.origins
        if not bound:
            raise LaunchRefused(
                "it was begun in another browser, or this one keeps no cookie and does not say"
                " which page sends it"
            )
        claims = await self._claims(posted.get("id_token", ""), platform)
        if claims["nonce"] != state["nonce"]:
            raise LaunchRefused("its nonce is that of another login")
        launch = read_message(claims, platform, self.registrations)
        if not await use_once(state["nonce"], self.clock() + 2 * LOGIN_SECONDS):
            raise LaunchRefused("it was used before")
        return launch

    def _state(self, posted: Mapping[str, str]) -> dict[str, Any]:
        if not posted.get("state"):
            raise LaunchRefused("it has no state")
        try:
            state = self.key.opened(STATE, posted["state"])
        except InvalidToken as error:
            raise LaunchRefused(f"its state is not that of a login here: {error.reason}") from None
        if not posted.get("id_token"):
            said = posted.get("error", "")
            told = said if said.isascii() and said.replace("_", "").isalpha() else "no id_token"
            raise LaunchRefused(f"the platform answered: {told[:40]}")
        return state

    async def _claims(self, id_token: str, platform: Platform) -> dict[str, Any]:
        keys = self.keys[self.registrations.platforms.index(platform)]
        if len(id_token) > ID_TOKEN_BYTES:
            raise LaunchRefused(f"its id token is longer than {ID_TOKEN_BYTES:,} bytes")
        if keys.due():
            await keys.renew()
        token, required = id_token.encode(errors="replace"), ("iat", "nonce", "sub")
        try:
            return await verified_claims(keys, token, platform.client_id, platform.issuer, required)
        except InvalidToken as error:
            raise LaunchRefused(f"its id token: {error.reason}") from None

    def token(self, launch: Launch, learner_id: str) -> str:
        """The token of a visit: it reaches whoever opened us, and others where the role may."""
        scopes = ("graph:read",) if launch.choosing else launch.platform.scopes_of(launch.role)
        free = launch.reaches_every_learner and not launch.choosing
        return mint(
            self.key.secret(VISIT),
            self.audience,
            scopes,
            60.0 * self.registrations.minutes,
            self.clock(),
            self.issuer,
            learner_id,
            None if free else learner_id,
        )

    def ticket(self, launch: Launch, choosing: Choosing) -> str:
        """What a choice is answered with."""
        values = {
            "iss": launch.platform.issuer,
            "client": launch.platform.client_id,
            "deployment": launch.deployment_id,
            "return_url": choosing.return_url,
            "data": choosing.data,
        }
        return self.key.seal(TICKET, values, CHOICE_SECONDS, self.clock())

    def choice(self, ticket: str) -> dict[str, Any]:
        """The choice that a ticket is for.

        Raises:
            LaunchRefused: it is not ours, or its time is over.
        """
        try:
            return self.key.opened(TICKET, ticket)
        except InvalidToken as error:
            raise LaunchRefused(f"its ticket is not of a choice here: {error.reason}") from None

    def answer(self, choice: Mapping[str, Any], course: tuple[str, str] | None) -> str:
        """The signed message for who is choosing.

        Args:
            choice: that was asked for.
            course: its id and name; None where nothing was chosen.

        Raises:
            LaunchRefused: the platform is gone from the registrations.
        """
        platform = self._registered(choice)
        items = [] if course is None else [self.item(*course)]
        nonce, now = secrets.token_urlsafe(24), self.clock()
        claims = deep_link(platform, choice["deployment"], choice["data"], items, now, nonce)
        return self.key.sign(claims)

    def _registered(self, sealed: Mapping[str, Any]) -> Platform:
        """The platform of what we sealed."""
        platform = self.registrations.find(sealed["iss"], sealed["client"])
        if platform is None:
            raise LaunchRefused("its platform (iss, client_id) is not registered here any more")
        return platform

    def item(self, course_id: str, name: str) -> dict[str, Any]:
        """A link that opens a course's path."""
        custom = {"course_id": course_id}
        return {"type": ITEM, "title": name, "url": self.at("lti/launch"), "custom": custom}

    def configuration(self) -> dict[str, Any]:
        """What platforms register us by: Canvas takes it as it is, others by its values."""
        launch = self.at("lti/launch")
        placed = {
            "course_navigation": "LtiResourceLinkRequest",
            "link_selection": "LtiDeepLinkingRequest",
        }
        placements = [
            {"placement": place, "message_type": kind, "target_link_uri": launch, "text": "kgplan"}
            for place, kind in placed.items()
        ]
        settings = {"text": "kgplan", "placements": placements}
        return {
            "title": "kgplan",
            "description": "What to learn next in a course, in what order, and why.",
            "oidc_initiation_url": self.at("lti/login"),
            "target_link_uri": launch,
            "redirect_uris": [launch],
            "public_jwk_url": self.at("lti/jwks"),
            "scopes": [],
            "extensions": [
                {
                    "platform": "canvas.instructure.com",
                    "privacy_level": "anonymous",
                    "settings": settings,
                }
            ],
        }


def cookie_of(nonce: str) -> str:
    """Name of the cookie of one login: several may go on at once in a browser."""
    return f"{COOKIE}{nonce[:8]}"


def digest(secret: str) -> str:
    """What a state says of a cookie's value."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
