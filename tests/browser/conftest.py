"""A real browser in front of a real Filmless: Debian's Chromium, driven by Playwright.

Chromium, one Filmless with a few studies and one sign-in are shared by the session; each test gets a page of
its own. A test that fails leaves a picture in tests/browser/out. Not here: what the screens do.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright
from pydicom.data import get_testdata_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # The server is started as the benchmarks do it.

from bench.filmless_server import PASSWORD, Filmless, run_command
from screens import BUILT_APP, CHROMIUM, OUT, USER, open_context, sign_in

# Software rendering, so that the viewer draws on a machine without a graphics card.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
# Uncompressed CT and MR, and JPEG 2000, which the viewer decodes by WebAssembly in a worker.
FILES = ("CT_small.dcm", "MR_small.dcm", "examples_jpeg2k.dcm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it where it cannot run."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if not CHROMIUM.exists():
            item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} is not installed"))
        elif not BUILT_APP.exists():
            item.add_marker(pytest.mark.skip(reason="web/dist is not built; run make setup"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep a picture of the page when a test fails."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page is not None:
        OUT.mkdir(exist_ok=True)
        page.screenshot(path=OUT / f"{item.name}.png")
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filmless]:
    """Filmless with one CT, one MR and one ultrasound study."""
    folder = tmp_path_factory.mktemp("filmless")
    with Filmless(folder=folder) as filmless:
        for name in FILES:
            run_command(filmless.environment, "import", str(get_testdata_file(name, download=False)))
        yield filmless


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Filmless]:
    """Filmless on its first run: nobody may sign in yet, and it holds nothing."""
    filmless = Filmless(folder=tmp_path)
    run_command(filmless.environment, "migrate")
    filmless.start()
    yield filmless
    filmless.kill()


@pytest.fixture(scope="session")
def signed_in(browser: Browser, server: Filmless) -> StorageState:
    """The cookies of one sign-in."""
    context = open_context(browser, server.http_url)
    page = context.new_page()
    page.goto("/")
    sign_in(page, USER, PASSWORD)
    page.wait_for_selector("tr[data-study]")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def context(browser: Browser, server: Filmless, signed_in: StorageState) -> Iterator[BrowserContext]:
    """A fresh browser profile in which somebody is signed in."""
    context = open_context(browser, server.http_url, storage_state=signed_in)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page in it; errors that its scripts throw fail the test."""
    page = context.new_page()

    def refuse(error: object) -> None:
        raise AssertionError(f"The page threw: {error}")

    page.on("pageerror", refuse)
    return page
