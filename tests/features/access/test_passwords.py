"""Which passwords are accepted, and what is kept of them."""

import pytest

from filmless.features.access import PasswordHashes, PasswordRefused
from filmless.features.access.passwords import check_password
from filmless.infra import limits

REFUSED = [
    ("short", "at least"),
    ("x" * (limits.PASSWORD_CHARACTERS_MAX + 1), "at most"),
    ("aaaaaaaaaaaa", "repeats"),
    ("1212121212", "repeats"),
    ("Password123", "anybody would try"),
    ("PASSWORD!2026", "anybody would try"),
    ("qwertyuiop", "anybody would try"),
    ("Correct horse battery staple", "anybody would try"),
    ("filmless-2026", "anybody would try"),
    ("annemarie1", "user name"),
    ("Anne.Marie.2026", "user name"),
    ("annemarieannemarie", "user name"),
]


@pytest.mark.parametrize(("password", "reason"), REFUSED)
def test_an_easy_password_is_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(PasswordRefused, match=reason):
        check_password(password, "anne.marie")


@pytest.mark.parametrize(
    "password", ["four plain words here", "tr0mbone-lattice", "пароль из слов", "8302 5519 47"]
)
def test_a_password_that_is_long_and_not_common_is_accepted(password: str) -> None:
    check_password(password, "anne.marie")


def test_the_password_may_not_be_a_user_name_of_digits() -> None:
    with pytest.raises(PasswordRefused, match="user name"):
        check_password("8302551947", "8302551947")
    check_password("9302551948", "8302551947")


def test_a_hash_verifies_its_password_and_no_other() -> None:
    hashes = PasswordHashes(time_cost=1, memory_kib=8)
    kept = hashes.hash("four plain words here")
    assert kept.startswith("$argon2id$")
    assert hashes.verify(kept, "four plain words here")
    assert not hashes.verify(kept, "four plain words")
    assert not hashes.verify(kept, "four plain words here" + "x" * limits.PASSWORD_CHARACTERS_MAX)


def test_the_same_key_presses_verify_however_they_are_encoded() -> None:
    hashes = PasswordHashes(time_cost=1, memory_kib=8)
    assert hashes.verify(hashes.hash("se\u00f1or de la noche"), "sen\u0303or de la noche")


def test_an_unknown_user_never_verifies() -> None:
    hashes = PasswordHashes(time_cost=1, memory_kib=8)
    assert not hashes.verify(None, "nobody has this password")
