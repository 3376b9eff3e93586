"""How a session lives and ends."""

import pytest
import sqlalchemy as sa

from filmless.features.access import (
    Access,
    Actor,
    NewUser,
    Permission,
    Role,
    SessionEnded,
    SessionNotFound,
    SignInAttempt,
    User,
    actor_of_session,
    add_user,
    disable_user,
    end_session,
    get_session,
    list_sessions,
    recent_session,
    revoke_session,
    set_password,
    sign_in,
)
from filmless.features.access.sessions import SEEN_WRITE_SECONDS, SESSIONS_PER_USER_MAX
from filmless.features.access.tables import sessions
from filmless.infra import limits
from filmless.infra.errors import NotPermitted
from frozen_clock import FrozenClock

GOOD_PASSWORD = "four plain words here"


def signed_in(access: Access, user_name: str = "anna") -> str:
    return sign_in(access, SignInAttempt(user_name, GOOD_PASSWORD, "192.0.2.1", "a browser")).secret


def last_seen_writes(access: Access) -> list[float]:
    with access.database.read() as tx:
        rows = tx.execute(sa.select(sessions.c.created_at, sessions.c.last_seen_at)).all()
    return [(row.last_seen_at - row.created_at).total_seconds() for row in rows]


def test_the_actor_has_the_rights_of_the_role_and_the_address_of_the_request(
    access: Access, anna: User, console: Actor
) -> None:
    add_user(access, console, NewUser("ris", Role.SERVICE, GOOD_PASSWORD))
    actor = actor_of_session(get_session(access, signed_in(access, "ris")), "198.51.100.7")
    assert (actor.name, actor.address) == ("ris", "198.51.100.7")
    actor.must(Permission.STUDIES_READ)
    with pytest.raises(NotPermitted):
        actor.must(Permission.USERS_MANAGE)


def test_a_session_that_is_not_used_ends(access: Access, anna: User, clock: FrozenClock) -> None:
    secret = signed_in(access)
    clock.advance(limits.SESSION_IDLE_SECONDS_MAX)
    with pytest.raises(SessionEnded):
        get_session(access, secret)


def test_a_session_in_use_ends_all_the_same_after_a_day(
    access: Access, anna: User, clock: FrozenClock
) -> None:
    secret = signed_in(access)
    for _ in range(limits.SESSION_SECONDS_MAX // 3600 - 1):
        clock.advance(3600)
        get_session(access, secret)
    clock.advance(3600)
    with pytest.raises(SessionEnded):
        get_session(access, secret)


def test_a_look_that_is_no_use_does_not_keep_a_session_alive(
    access: Access, anna: User, clock: FrozenClock
) -> None:
    secret = signed_in(access)
    clock.advance(limits.SESSION_IDLE_SECONDS_MAX - 10)
    get_session(access, secret, in_use=False)
    clock.advance(10)
    with pytest.raises(SessionEnded):
        get_session(access, secret)


def test_use_is_written_down_once_a_minute(access: Access, anna: User, clock: FrozenClock) -> None:
    secret = signed_in(access)
    clock.advance(SEEN_WRITE_SECONDS - 1)
    get_session(access, secret)
    assert last_seen_writes(access) == [0]
    clock.advance(10)
    get_session(access, secret)
    assert last_seen_writes(access) == [SEEN_WRITE_SECONDS + 9]
    clock.advance(10)
    get_session(access, secret)
    assert last_seen_writes(access) == [SEEN_WRITE_SECONDS + 9]


def test_a_session_just_seen_is_known_without_the_database(
    access: Access, anna: User, clock: FrozenClock
) -> None:
    secret = signed_in(access)
    assert recent_session(access, secret) is None
    session = get_session(access, secret)
    assert recent_session(access, secret) is session
    clock.advance(60)
    assert recent_session(access, secret) is None


def test_signing_out_ends_the_session_at_once_and_twice_is_no_error(access: Access, anna: User) -> None:
    secret = signed_in(access)
    get_session(access, secret)
    for _ in range(2):
        end_session(access, secret, "192.0.2.1")
        with pytest.raises(SessionEnded):
            get_session(access, secret)


@pytest.mark.parametrize("end", ["disable", "password"])
def test_disabling_or_a_new_password_ends_all_sessions_at_once(
    access: Access, anna: User, console: Actor, end: str
) -> None:
    add_user(access, console, NewUser("bert", Role.RADIOLOGIST, GOOD_PASSWORD))
    secrets = [signed_in(access, "bert") for _ in range(2)]
    for secret in secrets:
        get_session(access, secret)
    if end == "disable":
        disable_user(access, console, "bert")
    else:
        set_password(access, console, "bert", "another four plain words")
    for secret in secrets:
        with pytest.raises(SessionEnded):
            get_session(access, secret)


def test_people_see_and_end_their_own_sessions_and_nobody_elses(
    access: Access, anna: User, console: Actor
) -> None:
    add_user(access, console, NewUser("bert", Role.RADIOLOGIST, GOOD_PASSWORD))
    hers, his = signed_in(access), signed_in(access, "bert")
    bert = actor_of_session(get_session(access, his), "192.0.2.1")
    (own,) = list_sessions(access, bert, "bert")
    with pytest.raises(NotPermitted):
        list_sessions(access, bert, "anna")
    with pytest.raises(NotPermitted):
        revoke_session(access, bert, get_session(access, hers).id)
    revoke_session(access, bert, own.id)
    with pytest.raises(SessionEnded):
        get_session(access, his)
    with pytest.raises(SessionNotFound):
        revoke_session(access, bert, own.id)
    with pytest.raises(SessionNotFound):
        revoke_session(access, console, "not hexadecimal")
    assert len(list_sessions(access, console, "anna")) == 1


def test_a_script_that_signs_in_for_each_call_does_not_fill_the_table(access: Access, anna: User) -> None:
    for _ in range(SESSIONS_PER_USER_MAX + 3):
        newest = signed_in(access)
    assert len(last_seen_writes(access)) == SESSIONS_PER_USER_MAX
    get_session(access, newest)
