"""The first run."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from filmless.features.access import (
    Access,
    Actor,
    NewUser,
    PasswordRefused,
    Role,
    SetupIsOver,
    SetupTokenRefused,
    User,
    complete_setup,
    create_setup_token,
    get_session,
    list_users,
    setup_is_needed,
)
from filmless.infra.errors import FilmlessError

GOOD_PASSWORD = "four plain words here"
ANNA = NewUser("Anna", Role.ADMINISTRATOR, GOOD_PASSWORD)


def test_the_holder_of_the_link_becomes_administrator_and_is_signed_in(access: Access) -> None:
    assert setup_is_needed(access)
    token = create_setup_token(access)
    assert token is not None
    signed_in = complete_setup(access, token, ANNA, "192.0.2.1")
    assert get_session(access, signed_in.secret).user.role is Role.ADMINISTRATOR
    assert not setup_is_needed(access)


def test_the_link_works_once(access: Access) -> None:
    token = create_setup_token(access) or ""
    complete_setup(access, token, ANNA, "192.0.2.1")
    with pytest.raises(SetupIsOver):
        complete_setup(access, token, NewUser("eve", Role.ADMINISTRATOR, GOOD_PASSWORD), "192.0.2.1")


def test_only_the_newest_link_works(access: Access) -> None:
    first, second = create_setup_token(access) or "", create_setup_token(access) or ""
    for wrong in (first, "", "guess"):
        with pytest.raises(SetupTokenRefused):
            complete_setup(access, wrong, ANNA, "192.0.2.1")
    complete_setup(access, second, ANNA, "192.0.2.1")


def test_a_refused_password_does_not_spend_the_link(access: Access) -> None:
    token = create_setup_token(access) or ""
    with pytest.raises(PasswordRefused):
        complete_setup(access, token, NewUser("anna", Role.ADMINISTRATOR, "anna"), "192.0.2.1")
    complete_setup(access, token, ANNA, "192.0.2.1")


def test_there_is_no_link_once_somebody_is_registered(access: Access, anna: User) -> None:
    assert create_setup_token(access) is None


def test_of_two_who_use_the_link_at_once_one_becomes_administrator(access: Access, console: Actor) -> None:
    token = create_setup_token(access) or ""

    def use(number: int) -> bool:
        try:
            complete_setup(
                access, token, NewUser(f"user{number}", Role.ADMINISTRATOR, GOOD_PASSWORD), "192.0.2.1"
            )
        except FilmlessError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(use, range(4))) == 1
    assert len(list_users(access, console)) == 1
