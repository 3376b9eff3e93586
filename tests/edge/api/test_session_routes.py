"""Signing in and out over HTTP: cookies, CSRF, lock-out, the first run."""

import pytest
from starlette.testclient import TestClient

from filmless.compose import System
from filmless.edge.api import create_api
from filmless.edge.api.schemas import SessionOut
from filmless.features.access import Role, create_setup_token
from filmless.infra import limits
from frozen_clock import FrozenClock
from web_installation import GOOD_PASSWORD, bearer, client_of, register, sign_in

SIGN_IN = {"user_name": "Anna", "password": GOOD_PASSWORD}


def set_cookies(answer: object) -> dict[str, set[str]]:
    """The attributes of each cookie that the answer sets."""
    found = {}
    for header in answer.headers.get_list("set-cookie"):  # type: ignore[attr-defined]
        name, *attributes = [part.strip() for part in header.split(";")]
        found[name.split("=")[0]] = {part.lower() for part in attributes}
    return found


class TestSignIn:
    def test_the_answer_says_who_and_until_when_and_sets_two_cookies(
        self, system: System, stranger: TestClient
    ) -> None:
        register(system)
        answer = stranger.post("/session", json=SIGN_IN)
        assert answer.status_code == 200
        told = SessionOut.model_validate_json(answer.content)
        assert (told.user.user_name, told.user.display_name) == ("anna", "Anna Example")
        assert told.expires_at is not None
        assert answer.json()["expires_at"] == "2026-01-31T17:00:00Z"
        assert "users.manage" in told.permissions
        assert set_cookies(answer) == {
            "filmless_session": {"httponly", "path=/", "samesite=lax"},
            "filmless_csrf": {"path=/", "samesite=lax"},
        }
        assert stranger.get("/session").json() == answer.json()

    @pytest.mark.parametrize("how", ["scheme", "public_url"])
    def test_over_tls_the_cookies_are_secure(self, system: System, how: str) -> None:
        register(system)
        base = "https://pacs.test" if how == "scheme" else "http://pacs.test"
        if how == "public_url":
            object.__setattr__(
                system, "settings", system.settings.model_copy(update={"public_url": "https://pacs.test"})
            )
        with client_of(create_api(system), base) as client:
            answer = client.post("/session", json=SIGN_IN)
        assert all("secure" in attributes for attributes in set_cookies(answer).values())
        assert answer.headers["strict-transport-security"].startswith("max-age=")

    def test_a_wrong_password_is_401_without_a_challenge(self, system: System, stranger: TestClient) -> None:
        register(system)
        answer = stranger.post("/session", json={**SIGN_IN, "password": "wrong"})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert "www-authenticate" not in answer.headers
        assert answer.json() == {
            "type": "urn:filmless:problem:wrong-credentials",
            "title": "Unauthorized",
            "status": 401,
            "detail": "User name or password is wrong.",
            "instance": "/session",
        }

    def test_after_too_many_failures_the_answer_is_429_with_retry_after(
        self, system: System, stranger: TestClient, clock: FrozenClock
    ) -> None:
        register(system)
        for _ in range(limits.SIGN_IN_FAILURES_MAX):
            assert stranger.post("/session", json={**SIGN_IN, "password": "wrong"}).status_code == 401
        answer = stranger.post("/session", json=SIGN_IN)
        assert answer.status_code == 429
        wait = int(answer.headers["retry-after"])
        assert wait <= limits.SIGN_IN_LOCK_SECONDS + 1
        clock.advance(wait)
        assert stranger.post("/session", json=SIGN_IN).status_code == 200

    def test_a_session_planted_before_sign_in_is_worth_nothing_after(
        self, system: System, stranger: TestClient
    ) -> None:
        register(system)
        stranger.cookies.set("filmless_session", "planted", domain="pacs.test", path="/")
        stranger.post("/session", json=SIGN_IN)
        first = stranger.cookies.get("filmless_session", domain="pacs.test")
        assert first != "planted"
        stranger.post("/session", json=SIGN_IN)
        second = stranger.cookies.get("filmless_session", domain="pacs.test")
        assert second not in ("planted", first)
        for old in ("planted", first):
            with client_of(stranger.app) as other:
                assert other.get("/session", headers={"Cookie": f"filmless_session={old}"}).status_code == 401

    def test_signing_out_ends_the_session_and_clears_the_cookies(self, anna: TestClient) -> None:
        secret = anna.cookies["filmless_session"]
        answer = anna.delete("/session")
        assert answer.status_code == 204
        assert "filmless_session" not in anna.cookies
        assert anna.get("/session", headers={"Cookie": f"filmless_session={secret}"}).status_code == 401

    def test_the_answer_never_redirects_whatever_next_says(
        self, system: System, stranger: TestClient
    ) -> None:
        register(system)
        for target in ("https://evil.test/", "//evil.test", "/\\evil.test"):
            answer = stranger.post("/session", params={"next": target}, json=SIGN_IN)
            assert answer.status_code == 200
            assert "location" not in answer.headers
            assert "evil" not in answer.text


class TestCrossSite:
    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 204),
            ({"X-CSRF-Token": ""}, 403),
            ({"X-CSRF-Token": "guess"}, 403),
            ({"Origin": "http://pacs.test"}, 204),
            ({"Origin": "http://evil.test"}, 403),
            ({"Origin": "http://pacs.test.evil.test"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "file://pacs.test"}, 403),
            ({"Sec-Fetch-Site": "same-origin"}, 204),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
        ],
    )
    def test_an_unsafe_request_needs_the_token_and_our_own_origin(
        self, anna: TestClient, headers: dict[str, str], status: int
    ) -> None:
        assert anna.delete("/session", headers=headers).status_code == status

    def test_another_site_cannot_sign_a_browser_in(self, system: System, stranger: TestClient) -> None:
        register(system)
        answer = stranger.post("/session", json=SIGN_IN, headers={"Origin": "http://evil.test"})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers

    def test_the_token_of_another_session_does_not_do(self, system: System, anna: TestClient) -> None:
        with client_of(anna.app) as other:
            sign_in(other)
            token = other.headers["X-CSRF-Token"]
        assert anna.delete("/session", headers={"X-CSRF-Token": token}).status_code == 403

    def test_reading_needs_no_token(self, anna: TestClient) -> None:
        del anna.headers["X-CSRF-Token"]
        assert anna.get("/session").status_code == 200


class TestBearer:
    def test_a_token_opens_the_same_routes_without_csrf(self, system: System, stranger: TestClient) -> None:
        register(system, "ris", Role.SERVICE)
        headers = bearer(system, "ris")
        assert stranger.get("/session", headers=headers).json() == {
            "user": {"user_name": "ris", "display_name": "ris"},
            "permissions": ["studies.read", "studies.store"],
            "expires_at": None,
        }
        assert stranger.delete("/session", headers=headers).status_code == 204
        body = {"current_password": GOOD_PASSWORD, "new_password": "another four plain words"}
        assert stranger.post("/password", headers=headers, json=body).status_code == 403

    @pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "x"])
    def test_what_is_no_token_of_ours_is_401_with_a_challenge(self, anna: TestClient, value: str) -> None:
        answer = anna.get("/session", headers={"Authorization": value})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


class TestPassword:
    def test_the_new_password_counts_from_now_on(self, anna: TestClient) -> None:
        body = {"current_password": GOOD_PASSWORD, "new_password": "another four plain words"}
        assert anna.post("/password", json=body).status_code == 204
        assert anna.get("/session").status_code == 200
        assert anna.post("/session", json=SIGN_IN).status_code == 401

    @pytest.mark.parametrize(
        ("current", "new", "status"),
        [
            ("wrong", "another four plain words", 401),
            (GOOD_PASSWORD, "short", 400),
            (GOOD_PASSWORD, "anna", 400),
        ],
    )
    def test_a_wrong_current_or_a_bad_new_one_changes_nothing(
        self, anna: TestClient, current: str, new: str, status: int
    ) -> None:
        answer = anna.post("/password", json={"current_password": current, "new_password": new})
        assert answer.status_code == status
        assert anna.post("/session", json=SIGN_IN).status_code == 200


class TestSetup:
    def test_the_first_run_registers_and_signs_in_once(self, system: System, stranger: TestClient) -> None:
        assert stranger.get("/setup").json() == {"needed": True}
        body = {"token": create_setup_token(system.access), "display_name": "Anna", **SIGN_IN}
        assert stranger.post("/setup", json={**body, "token": "guess"}).status_code == 401
        answer = stranger.post("/setup", json=body)
        assert answer.status_code == 201
        assert set(set_cookies(answer)) == {"filmless_session", "filmless_csrf"}
        assert stranger.get("/session").status_code == 200
        assert stranger.get("/setup").json() == {"needed": False}
        assert stranger.post("/setup", json=body).status_code == 409
