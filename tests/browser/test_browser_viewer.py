"""From the list to drawn pixels in OHIF, under the page's own security policy."""

import pytest
from bench.filmless_server import Filmless
from playwright.sync_api import BrowserContext, Page, expect
from screens import BUILT_VIEWER, GREY_VALUES, open_list

pytestmark = pytest.mark.skipif(not BUILT_VIEWER.exists(), reason="web/viewer is not set up; run make setup")

DRAWN_GREY_VALUES = 20  # A blank or one-colour canvas has one or two.


@pytest.mark.parametrize(
    "patient",
    [
        pytest.param("CompressedSamples, CT1", id="ct"),
        pytest.param("CompressedSamples, MR1", id="mr"),
        pytest.param("CompressedSamples, US1", id="jpeg_2000"),
    ],
)
def test_the_viewer_draws_the_study(
    page: Page, context: BrowserContext, server: Filmless, patient: str
) -> None:
    open_list(page)
    page.get_by_role("link", name=patient).click()
    foreign: list[str] = []
    context.on(
        "request",
        lambda request: (
            foreign.append(request.url)
            if not request.url.startswith((server.http_url, "data:", "blob:"))
            else None
        ),
    )
    with context.expect_page() as opened:
        page.get_by_role("region", name="Patient").get_by_role("link", name="Open images").click()
    viewer = opened.value
    viewer.wait_for_function(f"() => ({GREY_VALUES})() > {DRAWN_GREY_VALUES}", timeout=60_000)
    expect(viewer.get_by_role("link", name="Back to Filmless")).to_be_visible()
    assert foreign == []


def test_series_have_pictures(page: Page) -> None:
    open_list(page)
    page.get_by_role("link", name="CompressedSamples, CT1").click()
    picture = page.locator(".series-card img")
    expect(picture).to_have_count(1)
    page.wait_for_function("() => document.querySelector('.series-card img').naturalWidth > 0")


def test_the_viewer_asks_to_sign_in_when_nobody_is(context: BrowserContext) -> None:
    context.clear_cookies()
    viewer = context.new_page()
    viewer.goto("/viewer/viewer?StudyInstanceUIDs=1.2.3")
    expect(viewer.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "next=%2Fviewer%2Fviewer" in viewer.url
