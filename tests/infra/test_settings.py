"""Settings come from the environment, once, and wrong ones are named."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from filmless.infra.errors import Invalid
from filmless.infra.settings import Settings


def test_without_any_setting_everything_is_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.load()
    assert not settings.binds_beyond_loopback
    assert settings.effective_database_url == f"sqlite:///{tmp_path / 'data' / 'filmless.sqlite3'}"
    assert settings.effective_object_store_url == (tmp_path / "data" / "objects").as_uri()


@pytest.mark.parametrize(
    ("given", "effective"),
    [
        ("postgresql://u@db/filmless", "postgresql+psycopg://u@db/filmless"),
        ("postgresql+psycopg://u@db/filmless", "postgresql+psycopg://u@db/filmless"),
        ("sqlite:////srv/f.sqlite3", "sqlite:////srv/f.sqlite3"),
    ],
)
def test_a_database_url_names_its_driver(monkeypatch: pytest.MonkeyPatch, given: str, effective: str) -> None:
    monkeypatch.setenv("FILMLESS_DATABASE_URL", given)
    assert Settings.load().effective_database_url == effective


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMLESS_HTTP_PORT", "http")
    monkeypatch.setenv("FILMLESS_AE_TITLE", "A TITLE MUCH TOO LONG")
    with pytest.raises(Invalid, match=r"FILMLESS_HTTP_PORT.*FILMLESS_AE_TITLE"):
        Settings.load()


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError):
        Settings.load().http_port = 1


@pytest.mark.parametrize(("bind", "beyond"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True)])
def test_binding_beyond_this_machine_is_known(
    monkeypatch: pytest.MonkeyPatch, bind: str, beyond: bool
) -> None:
    monkeypatch.setenv("FILMLESS_BIND", bind)
    assert Settings.load().binds_beyond_loopback is beyond


def test_a_time_zone_is_one_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().zone is None
    monkeypatch.setenv("FILMLESS_TIME_ZONE", "Europe/Vienna")
    assert str(Settings.load().zone) == "Europe/Vienna"
    for name in ("Middle/Earth", "../etc/passwd", "Europe"):
        monkeypatch.setenv("FILMLESS_TIME_ZONE", name)
        with pytest.raises(Invalid, match=r"FILMLESS_TIME_ZONE.*no time zone has this name"):
            Settings.load()
