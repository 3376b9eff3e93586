"""What the browser tests share: how to sign in, how to send, how to ask what is on the screen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.filmless_server import PASSWORD, Filmless
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect
from pydicom.dataset import Dataset, FileMetaDataset
from pynetdicom import AE

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
BUILT_APP = ROOT / "web/dist/index.html"
BUILT_VIEWER = ROOT / "web/viewer/index.html"
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
OUT = Path(__file__).parent / "out"
USER = "bench"
EXPLICIT_LE = "1.2.840.10008.1.2.1"

WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Cornerstone copies what it drew to a 2D canvas, so that the pixels can be read back.
GREY_VALUES = """() => {
  const canvas = document.querySelector('canvas.cornerstone-canvas');
  if (!canvas || !canvas.width) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) seen.add(data[at]);
  return seen.size;
}"""


def open_context(browser: Browser, base_url: str, **options: Any) -> BrowserContext:
    """A fresh browser profile, in English."""
    context = browser.new_context(
        base_url=base_url,
        locale="en-GB",
        **{"viewport": {"width": 1440, "height": 900}, **options},
    )
    context.set_default_timeout(20_000)
    return context


def sign_in(page: Page, user_name: str, password: str) -> None:
    """Fill in the form and send it."""
    page.get_by_label("User name").fill(user_name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_in_to(browser: Browser, server: Filmless) -> StorageState:
    """The cookies of one sign-in to a server that may hold nothing yet."""
    context = open_context(browser, server.http_url)
    page = context.new_page()
    page.goto("/")
    sign_in(page, USER, PASSWORD)
    page.get_by_role("navigation").wait_for()
    state = context.storage_state()
    context.close()
    return state


def pages_of_all_looks(browser: Browser, server: Filmless, state: StorageState) -> Iterator[tuple[str, Page]]:
    """A page in each theme and width, by name, without motion that axe could catch half-way."""
    for scheme in ("dark", "light"):
        for name, width in (("wide", 1440), ("narrow", 390)):
            context = open_context(
                browser,
                server.http_url,
                storage_state=state,
                viewport={"width": width, "height": 900},
                reduced_motion="reduce",
            )
            context.add_init_script(f"localStorage['mantine-color-scheme-value'] = '{scheme}'")
            yield f"{scheme} {name}", context.new_page()
            context.close()


def open_list(page: Page, address: str = "/") -> None:
    """Go to the study list and wait for its rows."""
    page.goto(address)
    page.wait_for_selector("tr[data-study]")


def wait_for_live(page: Page) -> None:
    """Wait until the page hears of changes."""
    expect(page.locator(".live")).to_have_attribute("data-state", "live")


def send(server: Filmless, *data_sets: Dataset) -> None:
    """Send instances by C-STORE, as a modality does; each must be answered."""
    ae = AE(ae_title="CT_ROOM_1")
    for sop_class in {str(data_set.SOPClassUID) for data_set in data_sets}:
        ae.add_requested_context(sop_class, EXPLICIT_LE)
    association = ae.associate(*server.dicom_address, ae_title=server.ae_title)
    assert association.is_established
    for data_set in data_sets:
        data_set.file_meta = FileMetaDataset()
        data_set.file_meta.TransferSyntaxUID = EXPLICIT_LE
        assert association.send_c_store(data_set)
    association.release()


def violations_of_wcag(page: Page) -> list[str]:
    """What axe-core finds on the page as it is now."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("(tags) => axe.run({ runOnly: tags })", WCAG_AA)
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['failureSummary']})"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
