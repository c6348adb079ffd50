"""A learning platform as tests play it, after LTI Core 1.3 and Deep Linking 2.0.

Its messages are signed by hand (tokens_by_hand), not by the library that the service reads them by.
"""

import json
import re
import time
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from tokens_by_hand import jwk, jwks, rs256

HERE = "https://kgplan.example"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
LEARNER, INSTRUCTOR = f"{MEMBERSHIP}Learner", f"{MEMBERSHIP}Instructor"
ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
KEY = rsa.generate_private_key(65537, 2048)


@dataclass
class PlayedPlatform:
    """A platform and its key.

    Attributes:
        issuer, client_id, deployment: as it is registered.
        key, kid: that it signs with.
    """

    issuer: str = "https://lms.example"
    client_id: str = "kgplan-1"
    deployment: str = "1"
    key: rsa.RSAPrivateKey = field(default_factory=lambda: KEY)
    kid: str = "of-2026"

    def key_set(self) -> bytes:
        """What it publishes."""
        return jwks(jwk(self.key, self.kid))

    def registration(self, jwks, **more) -> dict:
        """What the service's file says of it."""
        return {
            "issuer": self.issuer,
            "client_id": self.client_id,
            "auth_url": f"{self.issuer}/auth?site=7",
            "jwks": str(jwks),
            "deployments": [self.deployment],
        } | more

    def begin(self, browser, method="GET", **changed) -> dict:
        """Send a browser to log in; gives what the platform is then asked, by its address."""
        answer = self.initiate(browser, method, **changed)
        assert answer.status_code == 302, answer.text
        address = urlsplit(answer.headers["location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{self.issuer}/auth"
        return dict(parse_qsl(address.query, strict_parsing=True))

    def initiate(self, browser, method="GET", **changed):
        """The answer to a third-party initiated login (OIDC Core, 4)."""
        asked = {
            "iss": self.issuer,
            "login_hint": "hint of the person",
            "target_link_uri": f"{HERE}/lti/launch",
            "lti_message_hint": "hint of the message",
            "client_id": self.client_id,
            "canvas_region": "us-east-1",  # platforms send more than the standard names
        } | changed
        asked = {name: value for name, value in asked.items() if value is not None}
        given = {"params": asked} if method == "GET" else {"data": asked}
        return browser.request(method, "/lti/login", follow_redirects=False, **given)

    def claims(self, nonce, /, course=None, **changed) -> dict:
        """Good claims of a followed link, some changed; those set to None are left out."""
        now = int(time.time())
        given = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "someone",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            f"{CLAIM}message_type": "LtiResourceLinkRequest",
            f"{CLAIM}version": "1.3.0",
            f"{CLAIM}deployment_id": self.deployment,
            f"{CLAIM}target_link_uri": f"{HERE}/lti/launch",
            f"{CLAIM}resource_link": {"id": "link-7"},
            f"{CLAIM}roles": [LEARNER],
            f"{CLAIM}context": {"id": "42", "label": "A", "title": "Algorithms"},
            f"{CLAIM}custom": {} if course is None else {"course_id": course},
        } | changed
        return {name: value for name, value in given.items() if value is not None}

    def choosing(self, **settings) -> dict:
        """Changes that make it a request for a deep link."""
        asked = {
            "deep_link_return_url": f"{self.issuer}/return?course=42&sesskey=a%2Fb",
            "accept_types": ["link", "ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe", "window"],
            "data": "csrf:7",
        } | settings
        asked = {name: value for name, value in asked.items() if value is not None}
        return {
            f"{CLAIM}message_type": "LtiDeepLinkingRequest",
            f"{CLAIM}resource_link": None,
            f"{CLAIM}roles": [INSTRUCTOR],
            f"{DEEP}deep_linking_settings": asked,
        }

    def signed(self, claims) -> str:
        """The id token."""
        return rs256(claims, self.key, kid=self.kid)

    def post(self, browser, question, id_token, origin=None):
        """Let a browser take the answer to the service."""
        headers = {} if origin is None else {"Origin": origin}
        form = {"state": question["state"], "id_token": id_token}
        return browser.post("/lti/launch", data=form, headers=headers)

    def launch(self, browser, course=None, **changed):
        """All of it; the service's answer."""
        question = self.begin(browser)
        return self.post(
            browser, question, self.signed(self.claims(question["nonce"], course, **changed))
        )


def handed(answer) -> dict:
    """What a launch hands over to the explorer."""
    assert answer.status_code == 200, answer.text
    (text,) = re.findall(r'<script type="application/json" id="handed">(.*?)</script>', answer.text)
    return json.loads(text)


def forwarded(answer) -> tuple[str, str]:
    """Where a choice is posted to, and the message."""
    assert answer.status_code == 200, answer.text
    (action,) = re.findall(r'<form method="post" action="(.*?)">', answer.text)
    (message,) = re.findall(r'name="JWT" value="(.*?)">', answer.text)
    return unescape(action), unescape(message)
