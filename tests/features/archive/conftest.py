"""Fixtures of the archive's tests."""

from collections.abc import Iterator

import pytest

from filmless.infra.sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One worker for all tests: starting it takes a third of a second."""
    with Sandbox(workers=1) as sandbox:
        yield sandbox
