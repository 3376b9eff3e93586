"""Other archives on the screen: searched, looked into, fetched from, against a second Filmless."""

from collections.abc import Iterator

import pytest
from bench.filmless_server import Filmless, run_command
from bench.processes import free_ports
from playwright.sync_api import Browser, Locator, Page, StorageState, expect
from screens import AXE, OUT, pages_of_all_looks, send, sign_in_to, violations_of_wcag

from builders import a_ct_slice

WITHIN_MS = 30_000  # A fetch is a job: the worker looks for it every second.
SLICES = 3


@pytest.fixture(scope="module")
def old_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filmless]:
    """A second Filmless with the studies of two patients."""
    with Filmless({"FILMLESS_AE_TITLE": "OLDPACS"}, folder=tmp_path_factory.mktemp("old")) as filmless:
        filmless.ae_title = "OLDPACS"
        for study, name in ((41, "Remote^Rita"), (42, "Remote^Rolf"), (43, "Other^Otto")):
            slices = [
                a_ct_slice(n, series=1 + n // 3, study=study, PatientName=name, PatientID=f"R-{study}")
                for n in range(1, SLICES + 1)
            ]
            send(filmless, *slices)
        yield filmless


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, old_archive: Filmless) -> Iterator[Filmless]:
    """Filmless that knows the other archive, and one that has gone; it holds a part of one study."""
    with Filmless(folder=tmp_path_factory.mktemp("new")) as filmless:
        host, port = old_archive.dicom_address
        run_command(filmless.environment, "node", "add", "OLDPACS", host, str(port))
        run_command(filmless.environment, "node", "add", "GONE", host, str(free_ports(1)[0]))
        send(filmless, a_ct_slice(1, study=42, PatientName="Remote^Rolf", PatientID="R-42"))
        yield filmless


@pytest.fixture(scope="module")
def signed_in(browser: Browser, server: Filmless) -> StorageState:
    return sign_in_to(browser, server)


def search(page: Page, *archives: str, name: str) -> None:
    """Choose where to look, and look for a name."""
    page.goto("/other-archives?" + "&".join(f"archive={it}" for it in archives))
    page.get_by_role("textbox", name="Patient name").fill(name)
    page.keyboard.press("Enter")


def row(page: Page, name: str) -> Locator:
    return page.locator("table.remote tr[data-row]", has_text=name)


def test_what_is_found_is_fetched_and_opened_here(page: Page) -> None:
    search(page, "OLDPACS", name="Remote")
    expect(page.get_by_text("2 studies found")).to_be_visible(timeout=WITHIN_MS)
    assert "Remote" not in page.url
    expect(row(page, "Rolf")).to_contain_text("1 of 3 here")
    rita = row(page, "Rita")
    rita.get_by_role("button", name="Fetch: Remote, Rita").click()
    expect(rita.get_by_role("link", name="Here already")).to_be_visible(timeout=WITHIN_MS)
    expect(page.locator("[data-pull]").first).to_contain_text("Fetched", timeout=WITHIN_MS)
    expect(page.locator("[data-pull]").first).to_contain_text("3 images")
    rita.get_by_role("link", name="Here already").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Remote, Rita")
    expect(page.get_by_test_id("counts")).to_contain_text("3 images")
    page.go_back()
    expect(row(page, "Rita").get_by_role("link", name="Here already")).to_be_visible()


def test_one_series_is_fetched_alone_and_then_the_rest_with_others(page: Page) -> None:
    search(page, "OLDPACS", name="Other")
    otto = row(page, "Otto")
    otto.get_by_role("button", name="Other, Otto").first.click()
    page.locator(".remote-series").get_by_role("checkbox").first.check(timeout=WITHIN_MS)
    page.get_by_role("button", name="Fetch 1 series").click()
    expect(otto.get_by_role("link", name="2 of 3 here")).to_be_visible(timeout=WITHIN_MS)
    page.get_by_role("checkbox", name="Choose all").check()
    page.get_by_role("button", name="Fetch 1 study").click()
    expect(otto.get_by_role("link", name="Here already")).to_be_visible(timeout=WITHIN_MS)


def test_an_archive_that_does_not_answer_is_named_and_the_others_are_shown(page: Page) -> None:
    search(page, "OLDPACS", "GONE", name="Remote")
    expect(page.get_by_text("2 studies found")).to_be_visible(timeout=WITHIN_MS)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("GONE could not be searched", timeout=WITHIN_MS)
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()


def test_a_fetch_that_waits_is_stopped(page: Page, server: Filmless, old_archive: Filmless) -> None:
    late = a_ct_slice(1, study=44, PatientName="Late^Lea", PatientID="R-44")
    send(old_archive, late)
    search(page, "OLDPACS", name="Late")
    expect(row(page, "Lea")).to_be_visible(timeout=WITHIN_MS)
    run_command(server.environment, "node", "edit", "OLDPACS", "--port", str(free_ports(1)[0]))
    row(page, "Lea").get_by_role("button", name="Fetch: Late, Lea").click()
    row(page, "Lea").get_by_role("button", name="Stop fetching Late, Lea").click(timeout=WITHIN_MS)
    expect(row(page, "Lea")).to_contain_text("Stopped", timeout=WITHIN_MS)
    run_command(server.environment, "node", "edit", "OLDPACS", "--port", str(old_archive.dicom_address[1]))
    row(page, "Lea").get_by_role("button", name="Fetch: Late, Lea").click()
    expect(row(page, "Lea").get_by_role("link", name="Here already")).to_be_visible(timeout=WITHIN_MS)


def test_nothing_is_asked_without_a_question_and_nothing_found_says_so(page: Page) -> None:
    search(page, "OLDPACS", name="")
    expect(page.get_by_role("alert")).to_contain_text("Say what to look for")
    page.get_by_role("textbox", name="Patient ID").fill("NOBODY")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No study found")).to_be_visible(timeout=WITHIN_MS)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.get_by_text("Look for a patient or a study")).to_be_visible()


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; run npm ci in web")
def test_the_screen_of_other_archives_is_accessible(
    browser: Browser, server: Filmless, signed_in: StorageState
) -> None:
    found: dict[str, list[str]] = {}
    OUT.mkdir(exist_ok=True)
    for name, page in pages_of_all_looks(browser, server, signed_in):
        page.goto("/other-archives")
        page.get_by_text("Look for a patient or a study").wait_for()
        found[f"{name} first"] = violations_of_wcag(page)
        search(page, "OLDPACS", "GONE", name="Remote")
        page.get_by_role("alert").wait_for(timeout=WITHIN_MS)
        row(page, "Rolf").get_by_role("button", name="Remote, Rolf").first.click()
        page.locator(".remote-series").get_by_role("checkbox").first.check()
        found[f"{name} found"] = violations_of_wcag(page)
        page.screenshot(path=OUT / f"remote {name}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert {screen: words for screen, words in found.items() if words} == {}
