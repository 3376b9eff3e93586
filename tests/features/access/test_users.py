"""Registering people, and keeping them out."""

import pytest

from filmless.features import audit
from filmless.features.access import (
    Access,
    Actor,
    LastAdministrator,
    NewUser,
    PasswordRefused,
    Role,
    TokenNotFound,
    TokenRefused,
    User,
    UserNameRefused,
    UserNameTaken,
    UserNotFound,
    actor_of_token,
    add_user,
    create_token,
    disable_user,
    list_tokens,
    list_users,
    node_actor,
    revoke_token,
    set_password,
)
from filmless.infra.errors import Invalid, NotPermitted
from frozen_clock import FrozenClock

GOOD_PASSWORD = "four plain words here"


def changes(access: Access, console: Actor) -> list[tuple[str, object]]:
    wanted = audit.AuditFilter(event=audit.AuditEvent.SECURITY_ALERT)
    records, _ = audit.find_records(access.database, console, wanted, 100, 0)
    return [(r.action, r.details["change"]) for r in reversed(records)]


class TestUsers:
    def test_names_that_differ_only_in_case_are_one_name(
        self, access: Access, anna: User, console: Actor
    ) -> None:
        for name in ("anna", "ANNA", " Anna ", "\uff21nna"):
            with pytest.raises(UserNameTaken):
                add_user(access, console, NewUser(name, Role.SERVICE, GOOD_PASSWORD))
        assert [user.user_name for user in list_users(access, console)] == ["anna"]

    @pytest.mark.parametrize("name", ["", " ", "a b", "a\nb", "x" * 65, "a\x00"])
    def test_a_name_that_cannot_be_one_is_refused(self, access: Access, console: Actor, name: str) -> None:
        with pytest.raises(UserNameRefused):
            add_user(access, console, NewUser(name, Role.SERVICE, GOOD_PASSWORD))

    def test_an_easy_password_is_refused_everywhere(self, access: Access, anna: User, console: Actor) -> None:
        with pytest.raises(PasswordRefused):
            add_user(access, console, NewUser("bert", Role.SERVICE, "password1234"))
        with pytest.raises(PasswordRefused):
            set_password(access, console, "anna", "anna")

    def test_the_last_administrator_cannot_be_disabled(
        self, access: Access, anna: User, console: Actor
    ) -> None:
        with pytest.raises(LastAdministrator):
            disable_user(access, console, "anna")
        add_user(access, console, NewUser("bert", Role.ADMINISTRATOR, GOOD_PASSWORD))
        disable_user(access, console, "ANNA")
        disable_user(access, console, "anna")
        assert [user.is_active for user in list_users(access, console)] == [False, True]
        with pytest.raises(LastAdministrator):
            disable_user(access, console, "bert")

    def test_nobody_is_found_by_a_name_that_nobody_has(self, access: Access, console: Actor) -> None:
        with pytest.raises(UserNotFound):
            set_password(access, console, "nobody", GOOD_PASSWORD)
        with pytest.raises(UserNotFound):
            disable_user(access, console, "nobody")

    def test_each_verb_needs_the_permission(self, access: Access, anna: User) -> None:
        modality = node_actor("CT1", "192.0.2.50")
        for forbidden in (
            lambda: add_user(access, modality, NewUser("x", Role.SERVICE, GOOD_PASSWORD)),
            lambda: list_users(access, modality),
            lambda: set_password(access, modality, "anna", GOOD_PASSWORD),
            lambda: disable_user(access, modality, "anna"),
            lambda: create_token(access, modality, "anna"),
            lambda: list_tokens(access, modality),
            lambda: revoke_token(access, modality, "x"),
        ):
            with pytest.raises(NotPermitted):
                forbidden()

    def test_every_change_is_audited(self, access: Access, anna: User, console: Actor) -> None:
        add_user(access, console, NewUser("bert", Role.RADIOLOGIST, GOOD_PASSWORD))
        set_password(access, console, "bert", "another four plain words")
        _, token = create_token(access, console, "bert")
        revoke_token(access, console, token.id)
        disable_user(access, console, "bert")
        assert changes(access, console) == [
            ("C", "added as administrator"),
            ("C", "added as radiologist"),
            ("U", "password"),
            ("C", f"token {token.id}"),
            ("D", f"token {token.id}"),
            ("D", "disabled"),
        ]


class TestTokens:
    def test_a_token_has_the_rights_of_its_user(self, access: Access, anna: User, console: Actor) -> None:
        secret, token = create_token(access, console, "Anna", "bench")
        assert secret.startswith("flm_")
        actor = actor_of_token(access, secret, "192.0.2.3")
        assert (actor.name, actor.address) == ("anna", "192.0.2.3")
        assert [(t.id, t.user_name, t.label) for t in list_tokens(access, console)] == [
            (token.id, "anna", "bench")
        ]
        assert list_tokens(access, console, "nobody") == []

    def test_a_token_ends_on_its_day(
        self, access: Access, anna: User, console: Actor, clock: FrozenClock
    ) -> None:
        secret, _ = create_token(access, console, "anna", days=1)
        clock.advance(86400 - 1)
        actor_of_token(access, secret, "")
        clock.advance(1)
        with pytest.raises(TokenRefused):
            actor_of_token(access, secret, "")

    def test_a_revoked_token_opens_nothing_at_once(self, access: Access, anna: User, console: Actor) -> None:
        secret, token = create_token(access, console, "anna")
        actor_of_token(access, secret, "")
        for _ in range(2):
            revoke_token(access, console, token.id)
            with pytest.raises(TokenRefused):
                actor_of_token(access, secret, "")
        with pytest.raises(TokenNotFound):
            revoke_token(access, console, "x")

    def test_a_disabled_users_tokens_open_nothing(self, access: Access, anna: User, console: Actor) -> None:
        add_user(access, console, NewUser("bert", Role.RADIOLOGIST, GOOD_PASSWORD))
        secret, _ = create_token(access, console, "bert")
        actor_of_token(access, secret, "")
        disable_user(access, console, "bert")
        with pytest.raises(TokenRefused):
            actor_of_token(access, secret, "")
        with pytest.raises(UserNotFound):
            create_token(access, console, "bert")

    @pytest.mark.parametrize("secret", ["", "flm_", "flm_x", "\x00", "ü" * 100])
    def test_an_invented_token_opens_nothing(self, access: Access, anna: User, secret: str) -> None:
        with pytest.raises(TokenRefused):
            actor_of_token(access, secret, "")

    @pytest.mark.parametrize("days", [0, -1, 4000])
    def test_a_life_out_of_bounds_is_refused(
        self, access: Access, anna: User, console: Actor, days: int
    ) -> None:
        with pytest.raises(Invalid):
            create_token(access, console, "anna", days=days)
