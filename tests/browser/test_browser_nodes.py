"""Nodes on the screen: let in who was turned away, register, examine the connection, tell the other side."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.filmless_server import Filmless
from bench.processes import free_ports
from playwright.sync_api import Browser, BrowserContext, Locator, Page, StorageState, expect
from pynetdicom import AE, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import SecondaryCaptureImageStorage, Verification
from screens import AXE, OUT, pages_of_all_looks, send, sign_in_to, violations_of_wcag

from builders import a_ct_slice
from made_certificates import MadeCertificate

WITHIN_MS = 30_000  # Refusals are written every few seconds, and a check waits for a peer.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filmless]:
    """Filmless that lets in only whom it knows, with a TLS port."""
    settings = {"FILMLESS_ACCEPT_UNKNOWN_NODES": "false", "FILMLESS_DICOM_TLS_PORT": str(free_ports(1)[0])}
    with Filmless(settings, folder=tmp_path_factory.mktemp("strict")) as filmless:
        yield filmless


@pytest.fixture(scope="module")
def signed_in(browser: Browser, server: Filmless) -> StorageState:
    return sign_in_to(browser, server)


@pytest.fixture
def workstation() -> Iterator[tuple[int, list[str]]]:
    """A workstation that takes images: its port, and the patients it was sent."""
    taken: list[str] = []

    def take(event: Event) -> int:
        taken.append(str(event.dataset.PatientName))
        return 0

    ae = AE(ae_title="WORKSTATION")
    ae.add_supported_context(Verification)
    ae.add_supported_context(SecondaryCaptureImageStorage)
    scp = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
    assert scp is not None  # Not blocking, it is the running server.
    yield scp.socket.getsockname()[1], taken
    scp.shutdown()


def register(page: Page, ae_title: str, port: int, then: str = "Save") -> None:
    """Fill in no more than must be, as with most devices."""
    page.get_by_role("button", name="Add a node").first.click()
    form = page.get_by_role("dialog", name="Add a node")
    form.get_by_role("textbox", name="AE title").fill(ae_title)
    form.get_by_role("textbox", name="Host").fill("127.0.0.1")
    form.get_by_role("textbox", name="Port").fill(str(port))
    form.get_by_role("button", name=then, exact=True).click()
    expect(form).to_have_count(0)


def knock(server: Filmless, ae_title: str) -> None:
    """Call without being known, as a device does that is being set up; it is turned away."""
    stranger = AE(ae_title=ae_title)
    stranger.add_requested_context(Verification)
    assert stranger.associate(*server.dicom_address, ae_title=server.ae_title).is_rejected


def row(page: Page, ae_title: str) -> Locator:
    return page.locator(f"tr[data-node='{ae_title}']")


def test_who_is_turned_away_appears_is_added_and_then_may_store(page: Page, server: Filmless) -> None:
    page.goto("/nodes?view=callers")
    expect(page.get_by_text("Nobody was turned away")).to_be_visible()
    knock(server, "CT_ROOM_1")

    caller = page.locator("[data-caller='CT_ROOM_1']")
    expect(caller).to_contain_text("Nobody has registered this AE title", timeout=WITHIN_MS)
    expect(caller).to_contain_text("from 127.0.0.1")
    caller.get_by_role("button", name="Add this node").click()
    form = page.get_by_role("dialog", name="Add a node")
    expect(form.get_by_role("textbox", name="AE title")).to_have_value("CT_ROOM_1")
    expect(form.get_by_role("textbox", name="Host")).to_have_value("127.0.0.1")
    form.get_by_role("textbox", name="Description").fill("CT, room 1")
    form.get_by_role("button", name="Save", exact=True).click()
    expect(caller).to_have_count(0)
    page.get_by_role("tab", name="Nodes").click()
    expect(row(page, "CT_ROOM_1")).to_contain_text("CT, room 1")

    sent = a_ct_slice(1, study=31, PatientName="First^Image", PatientID="N-31")
    send(server, sent)
    page.get_by_role("link", name="Studies", exact=True).click()
    expect(page.get_by_role("link", name="First, Image")).to_be_visible()


def test_a_check_says_who_must_change_what_and_is_well_after_it_was_changed(
    page: Page, context: BrowserContext, workstation: tuple[int, list[str]]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    port, taken = workstation
    page.goto("/nodes")
    register(page, "WORKSTATION", free_ports(1)[0], then="Save and check")
    check = page.get_by_role("dialog", name="Connection with WORKSTATION")
    check.get_by_role("button", name="Start the check").click()
    ill = check.locator("[data-step=tcp]")
    expect(ill).to_have_attribute("data-state", "ill", timeout=WITHIN_MS)
    expect(ill).to_contain_text("nothing listens")
    expect(ill).to_contain_text("correct the port of this node here")
    check.get_by_role("button", name="Copy as text").click()
    expect(check.get_by_role("button", name="Copied")).to_be_visible()
    assert "[must be mended] Its port answers" in page.evaluate("navigator.clipboard.readText()")

    check.get_by_role("button", name="Edit").click()
    form = page.get_by_role("dialog", name="Node WORKSTATION")
    form.get_by_role("textbox", name="Port").fill(str(port))
    form.get_by_role("button", name="Save and check").click()
    check.get_by_role("button", name="Start the check").click()
    expect(check.get_by_text("Nothing stands in the way")).to_be_visible(timeout=WITHIN_MS)
    expect(check.locator("[data-step=echo]")).to_have_attribute("data-state", "well")
    expect(check.locator("[data-step=store]")).to_have_attribute("data-state", "skipped")
    assert taken == []

    check.get_by_label("Also send a test image").click()
    check.get_by_role("button", name="Check again").click()
    expect(check.locator("[data-step=store]")).to_have_attribute("data-state", "well", timeout=WITHIN_MS)
    expect(check.get_by_text("Nothing stands in the way")).to_be_visible(timeout=WITHIN_MS)
    assert taken == ["FILMLESS^CONNECTION TEST"]


def test_every_part_of_a_node_is_kept_and_a_slip_of_the_hand_loses_nothing(
    page: Page, tmp_path: Path
) -> None:
    certificate = MadeCertificate.of("MR1")
    page.goto("/nodes")
    register(page, "MR/1", 104)
    row(page, "MR/1").get_by_role("button", name="MR/1", exact=True).click()
    form = page.get_by_role("dialog", name="Node MR/1")
    form.get_by_label("Search our studies").uncheck()
    form.get_by_label("Only from its own address").click()
    form.get_by_label("Further addresses").first.fill("192.0.2.0/24")
    form.get_by_label("Always").check()
    form.get_by_label("Paste the certificate (PEM)").fill("-----BEGIN CERTIFICATE-----\nno\n-----END")
    expect(form.get_by_role("alert")).to_contain_text("This certificate was not taken")
    file = tmp_path / "mr1.pem"
    file.write_text(certificate.pem)
    form.locator("input[type=file]").set_input_files(file)
    fingerprint = ":".join(certificate.fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
    expect(form.locator(".certificate")).to_contain_text("CN=MR1")
    expect(form.locator(".certificate")).to_contain_text(fingerprint)
    expect(form.locator(".certificate")).to_contain_text("expires soon")

    page.keyboard.press("Escape")
    expect(form).to_contain_text("What you changed is not saved")
    form.get_by_role("button", name="Keep editing").click()
    form.get_by_role("textbox", name="Port").fill("")
    form.get_by_role("button", name="Save", exact=True).click()
    expect(form.get_by_role("textbox", name="Port")).to_be_focused()
    form.get_by_role("textbox", name="Port").fill("11112")
    form.get_by_role("button", name="Save", exact=True).click()
    expect(form).to_have_count(0)
    expect(row(page, "MR/1")).to_contain_text("127.0.0.1:11112")
    expect(row(page, "MR/1")).to_contain_text("always")
    expect(row(page, "MR/1")).to_contain_text("send · fetch · worklist · MPPS · commitment")

    row(page, "MR/1").get_by_role("button", name="MR/1", exact=True).click()
    expect(form.get_by_text("192.0.2.0/24")).to_be_visible()
    expect(form.locator(".certificate")).to_contain_text(fingerprint)
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)

    row(page, "MR/1").get_by_role("button", name="More about MR/1").click()
    page.get_by_role("menuitem", name="Switch off").click()
    expect(row(page, "MR/1").locator(".off-badge")).to_have_text("off")
    row(page, "MR/1").get_by_role("button", name="More about MR/1").click()
    page.get_by_role("menuitem", name="Remove").click()
    dialog = page.get_by_role("dialog", name="Remove MR/1?")
    dialog.get_by_role("button", name="Remove").click()
    expect(row(page, "MR/1")).to_have_count(0)


def test_a_title_that_is_taken_is_told_in_the_server_s_words(page: Page) -> None:
    page.goto("/nodes")
    register(page, "TWICE", 104)
    page.get_by_role("button", name="Add a node").click()
    form = page.get_by_role("dialog", name="Add a node")
    form.get_by_role("textbox", name="AE title").fill("TWICE")
    form.get_by_role("textbox", name="Host").fill("127.0.0.1")
    form.get_by_role("button", name="Save", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("A node TWICE is registered already")


def test_the_other_side_is_told_all_that_it_must_enter(page: Page, server: Filmless) -> None:
    page.goto("/nodes?view=ours")
    card = page.locator(".ours")
    expect(card).to_contain_text(server.ae_title)
    expect(card).to_contain_text(str(server.dicom_address[1]))
    expect(card).to_contain_text(server.environment["FILMLESS_DICOM_TLS_PORT"])
    expect(page.locator(".certificate")).to_contain_text("SHA-256")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download certificate").click()
    assert download.value.suggested_filename == f"{server.ae_title}.pem"
    assert download.value.path().read_text().startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; run npm ci in web")
def test_the_node_screens_are_accessible(browser: Browser, server: Filmless, signed_in: StorageState) -> None:
    found: dict[str, list[str]] = {}
    OUT.mkdir(exist_ok=True)
    knock(server, "XA_AXE")

    def look(screen: str) -> None:
        found[screen] = violations_of_wcag(page)
        page.screenshot(path=OUT / f"nodes {screen}.png")

    for name, page in pages_of_all_looks(browser, server, signed_in):
        page.goto("/nodes")
        if not found:
            register(page, "CT_AXE", free_ports(1)[0])
        row(page, "CT_AXE").wait_for()
        look(f"{name} list")
        page.goto("/nodes?view=ours")
        page.locator(".certificate").wait_for()
        look(f"{name} ours")
        page.goto("/nodes?view=callers")
        page.locator("[data-caller='XA_AXE']").wait_for(timeout=WITHIN_MS)
        look(f"{name} callers")
        page.goto("/nodes")
        row(page, "CT_AXE").get_by_role("button", name="CT_AXE", exact=True).click()
        page.get_by_role("dialog").get_by_role("textbox", name="Host").wait_for()
        page.get_by_role("dialog").get_by_label("Always").check()
        look(f"{name} form")
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        row(page, "CT_AXE").get_by_role("button", name="Check the connection").click()
        page.get_by_role("button", name="Start the check").click()
        page.get_by_text("in the way").wait_for(timeout=WITHIN_MS)
        look(f"{name} check")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert {screen: words for screen, words in found.items() if words} == {}
