"""WCAG 2.2 AA as far as axe-core can tell, on every screen, in both themes, wide and narrow."""

from typing import Any

import pytest
from bench.filmless_server import Filmless
from playwright.sync_api import Browser, Page, StorageState
from screens import AXE, open_context, send, violations_of_wcag

from builders import a_ct_slice

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; run npm ci in web")

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}


@pytest.fixture(params=["dark", "light"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def viewport(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def page(browser: Browser, server: Filmless, signed_in: StorageState, scheme: str, viewport: Any) -> Any:
    """A page in each theme and width, without motion that axe could catch half-way."""
    context = open_context(
        browser, server.http_url, storage_state=signed_in, viewport=viewport, reduced_motion="reduce"
    )
    context.add_init_script(f"localStorage['mantine-color-scheme-value'] = '{scheme}'")
    yield context.new_page()
    context.close()


def test_every_screen_is_accessible(page: Page, server: Filmless) -> None:
    send(server, a_ct_slice(1, study=5, PatientID="A-5"))
    send(server, a_ct_slice(2, study=5, PatientID="A-6"))
    found: dict[str, list[str]] = {}

    def look(screen: str) -> None:
        found[screen] = violations_of_wcag(page)

    page.goto("/")
    page.wait_for_selector("tr[data-study]")
    page.keyboard.press("j")
    look("study list")
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    look("keys")
    page.keyboard.press("Escape")
    page.goto("/?search=zzzz&date=range")
    page.get_by_text("No study matches").wait_for()
    look("nothing found")
    page.goto("/")
    page.locator("tr[data-study] .row-link").first.click()
    page.wait_for_selector(".series-card")
    look("study")
    page.goto("/studies/1.2.3")
    page.get_by_role("alert").wait_for()
    look("missing study")
    page.goto("/quarantine")
    page.wait_for_selector("[data-quarantine]")
    look("quarantine")
    page.get_by_role("button", name="Discard").first.click()
    page.get_by_role("dialog").wait_for()
    look("decision")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Change password").wait_for()
    look("account menu")
    page.get_by_role("menuitem", name="Change password").click()
    page.get_by_role("dialog").wait_for()
    look("change password")
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_label("User name").wait_for()
    look("sign-in")
    assert {screen: words for screen, words in found.items() if words} == {}
