"""Signing in: who gets in, who waits, what is written down."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from filmless.features import audit
from filmless.features.access import (
    Access,
    Actor,
    NewUser,
    PasswordHashes,
    PasswordRefused,
    Role,
    SessionEnded,
    SignInAttempt,
    SignInLocked,
    User,
    WrongCredentials,
    add_user,
    change_own_password,
    disable_user,
    get_session,
    set_password,
    sign_in,
)
from filmless.features.access.access import SEEN_SECONDS_MAX
from filmless.features.access.failures import ADDRESS_FAILURES_MAX
from filmless.features.access.tables import sessions, sign_in_failures, users
from filmless.infra import limits
from frozen_clock import FrozenClock

GOOD_PASSWORD = "four plain words here"


def attempt(
    password: str = GOOD_PASSWORD, user_name: str = "anna", address: str = "192.0.2.1"
) -> SignInAttempt:
    return SignInAttempt(user_name, password, address, "a browser")


def fail(access: Access, times: int, **changed: str) -> None:
    for _ in range(times):
        with pytest.raises(WrongCredentials):
            sign_in(access, attempt("wrong", **changed))


def audited(access: Access, console: Actor) -> list[tuple[str, int, str, object]]:
    wanted = audit.AuditFilter(event=audit.AuditEvent.USER_AUTHENTICATION)
    records, _ = audit.find_records(access.database, console, wanted, 1000, 0)
    return [(r.actor, r.outcome, r.address, r.details.get("reason")) for r in reversed(records)]


def test_the_right_password_opens_a_session_whatever_the_case_of_the_name(access: Access, anna: User) -> None:
    signed_in = sign_in(access, attempt(user_name=" ANNA "))
    session = get_session(access, signed_in.secret)
    assert session.user == anna
    assert session.address == "192.0.2.1"
    assert session.csrf_token != signed_in.secret


def test_the_table_holds_no_secret(access: Access, anna: User) -> None:
    signed_in = sign_in(access, attempt())
    with access.database.read() as tx:
        row = tx.execute(sa.select(sessions)).one()
    assert signed_in.secret.encode() not in b"".join(str(value).encode() for value in row)
    with pytest.raises(SessionEnded):
        get_session(access, row.secret_digest.hex())


@pytest.mark.parametrize("name", ["anna", "nobody", "", "with space", "x" * 1000, "\x00"], ids=ascii)
def test_wrong_password_and_unknown_name_get_the_same_answer(access: Access, anna: User, name: str) -> None:
    with pytest.raises(WrongCredentials) as refused:
        sign_in(access, attempt("wrong", user_name=name))
    assert refused.value.message == "User name or password is wrong."


def test_a_disabled_user_is_answered_like_an_unknown_one(access: Access, anna: User, console: Actor) -> None:
    add_user(access, console, NewUser("bert", Role.RADIOLOGIST, GOOD_PASSWORD))
    disable_user(access, console, "bert")
    with pytest.raises(WrongCredentials):
        sign_in(access, attempt(user_name="bert"))


def test_after_too_many_failures_the_name_waits_even_with_the_right_password(
    access: Access, anna: User, clock: FrozenClock
) -> None:
    for number in range(limits.SIGN_IN_FAILURES_MAX):
        fail(access, 1, address=f"192.0.2.{number}")
    with pytest.raises(SignInLocked) as locked:
        sign_in(access, attempt(address="198.51.100.1"))
    assert locked.value.retry_after_seconds == limits.SIGN_IN_LOCK_SECONDS + 1
    clock.advance(limits.SIGN_IN_LOCK_SECONDS)
    sign_in(access, attempt())


def test_trying_while_locked_does_not_prolong_it(access: Access, anna: User, clock: FrozenClock) -> None:
    fail(access, limits.SIGN_IN_FAILURES_MAX)
    for _ in range(3):
        clock.advance(limits.SIGN_IN_LOCK_SECONDS / 3 - 1)
        with pytest.raises(SignInLocked):
            sign_in(access, attempt())
    clock.advance(3)
    sign_in(access, attempt())


def test_signing_in_clears_the_count_of_the_name(access: Access, anna: User) -> None:
    for _ in range(3):
        fail(access, limits.SIGN_IN_FAILURES_MAX - 1)
        sign_in(access, attempt())


def test_an_unknown_name_is_locked_like_a_known_one(access: Access, anna: User) -> None:
    fail(access, limits.SIGN_IN_FAILURES_MAX, user_name="nobody")
    with pytest.raises(SignInLocked):
        sign_in(access, attempt(user_name="nobody"))


@pytest.mark.parametrize(
    "addresses",
    [["192.0.2.9"] * ADDRESS_FAILURES_MAX, [f"2001:db8::{n:x}" for n in range(ADDRESS_FAILURES_MAX)]],
)
def test_one_address_cannot_try_many_names(access: Access, anna: User, addresses: list[str]) -> None:
    for number, address in enumerate(addresses):
        fail(access, 1, user_name=f"user{number}", address=address)
    with pytest.raises(SignInLocked):
        sign_in(access, attempt(address=addresses[0]))
    sign_in(access, attempt(address="198.51.100.1"))


def test_a_valid_account_buys_no_guesses_at_others(access: Access, anna: User) -> None:
    for number in range(ADDRESS_FAILURES_MAX - 1):
        fail(access, 1, user_name=f"user{number}")
        if number % 5 == 4:
            sign_in(access, attempt())
    fail(access, 1, user_name="another")
    with pytest.raises(SignInLocked):
        sign_in(access, attempt())


def test_failures_are_forgotten_after_a_while(access: Access, anna: User, clock: FrozenClock) -> None:
    fail(access, limits.SIGN_IN_FAILURES_MAX - 1)
    fail(access, 3, user_name="invented")
    clock.advance(limits.SIGN_IN_LOCK_SECONDS)
    fail(access, limits.SIGN_IN_FAILURES_MAX - 1)
    sign_in(access, attempt())
    with access.database.read() as tx:
        subjects = set(tx.execute(sa.select(sign_in_failures.c.subject)).scalars())
    assert subjects == {"address:192.0.2.1"}


def test_attempts_at_once_are_counted_like_attempts_in_a_row(access: Access, anna: User) -> None:
    def guess(_: int) -> str:
        try:
            sign_in(access, attempt("wrong"))
        except (WrongCredentials, SignInLocked) as refused:
            return type(refused).__name__
        return "in"

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(guess, range(24)))
    assert answers.count("WrongCredentials") == limits.SIGN_IN_FAILURES_MAX
    assert answers.count("SignInLocked") == 24 - limits.SIGN_IN_FAILURES_MAX


def test_the_session_that_the_browser_came_with_ends(access: Access, anna: User) -> None:
    first = sign_in(access, attempt())
    get_session(access, first.secret)
    second = sign_in(access, SignInAttempt("anna", GOOD_PASSWORD, "192.0.2.1", replaces=first.secret))
    assert second.secret != first.secret
    assert second.session.csrf_token != first.session.csrf_token
    with pytest.raises(SessionEnded):
        get_session(access, first.secret)


def test_every_attempt_is_audited_and_an_invented_name_is_not_written_down(
    access: Access, anna: User, console: Actor
) -> None:
    fail(access, 1, user_name="my secret password")
    fail(access, limits.SIGN_IN_FAILURES_MAX - 1)
    sign_in(access, attempt())
    fail(access, limits.SIGN_IN_FAILURES_MAX)
    with pytest.raises(SignInLocked):
        sign_in(access, attempt())
    wrong = ("anna", 4, "192.0.2.1", "wrong credentials")
    assert audited(access, console) == [
        ("unknown", 4, "192.0.2.1", "wrong credentials"),
        *[wrong] * (limits.SIGN_IN_FAILURES_MAX - 1),
        ("anna", 0, "192.0.2.1", None),
        *[wrong] * limits.SIGN_IN_FAILURES_MAX,
        ("anna", 4, "192.0.2.1", "locked"),
    ]


def test_a_changed_password_ends_the_other_sessions(access: Access, anna: User, clock: FrozenClock) -> None:
    here, elsewhere = sign_in(access, attempt()), sign_in(access, attempt())
    change_own_password(access, here.session, GOOD_PASSWORD, "another four plain words", "192.0.2.1")
    get_session(access, here.secret)
    with pytest.raises(SessionEnded):
        get_session(access, elsewhere.secret)
    with pytest.raises(WrongCredentials):
        sign_in(access, attempt())
    sign_in(access, attempt("another four plain words"))


def test_changing_the_password_needs_the_current_one_and_a_good_new_one(access: Access, anna: User) -> None:
    here = sign_in(access, attempt())
    with pytest.raises(PasswordRefused):
        change_own_password(access, here.session, GOOD_PASSWORD, "password1234", "192.0.2.1")
    for _ in range(limits.SIGN_IN_FAILURES_MAX):
        with pytest.raises(WrongCredentials):
            change_own_password(access, here.session, "wrong", "another four plain words", "192.0.2.1")
    with pytest.raises(SignInLocked):
        change_own_password(access, here.session, GOOD_PASSWORD, "another four plain words", "192.0.2.1")


def test_a_session_ended_elsewhere_is_honoured_for_a_few_seconds_at_most(
    access: Access, anna: User, clock: FrozenClock
) -> None:
    signed_in = sign_in(access, attempt())
    get_session(access, signed_in.secret)
    with access.database.transaction() as tx:  # As another process would.
        tx.execute(sa.delete(sessions))
    clock.advance(SEEN_SECONDS_MAX)
    with pytest.raises(SessionEnded):
        get_session(access, signed_in.secret)


def test_a_hash_made_with_weaker_parameters_is_renewed_at_sign_in(access: Access, anna: User) -> None:
    stronger = Access(access.database, access.record, PasswordHashes(time_cost=2, memory_kib=8))
    sign_in(stronger, attempt())
    with access.database.read() as tx:
        kept = tx.execute(sa.select(users.c.password_hash)).scalar_one()
    assert "t=2" in kept
    sign_in(stronger, attempt())


def test_a_new_password_from_the_administrator_ends_the_lock(
    access: Access, anna: User, console: Actor
) -> None:
    fail(access, limits.SIGN_IN_FAILURES_MAX)
    set_password(access, console, "Anna", "another four plain words")
    sign_in(access, attempt("another four plain words"))


def test_a_password_changed_while_it_is_verified_opens_nothing(
    access: Access, anna: User, console: Actor
) -> None:
    class Slow(PasswordHashes):
        """Verifies, and is overtaken by the administrator."""

        def verify(self, password_hash: str | None, password: str) -> bool:
            is_right = super().verify(password_hash, password)
            set_password(access, console, "anna", "another four plain words")
            return is_right

    slow = Access(access.database, access.record, Slow(time_cost=1, memory_kib=8))
    with pytest.raises(WrongCredentials):
        sign_in(slow, attempt())
    sign_in(access, attempt("another four plain words"))
