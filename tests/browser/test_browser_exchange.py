"""Sending to a real second node and watching it go; rules, priors and what goes wrong, in a real browser."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from bench.filmless_server import Filmless
from playwright.sync_api import Locator, Page, expect
from pynetdicom import AE, AllStoragePresentationContexts, evt
from screens import AXE, OUT, open_list, send, violations_of_wcag

from builders import a_ct_slice

ARRIVES_MS = 30_000  # The server's own jobs, and a live event a second later.


@contextmanager
def a_receiver(ae_title: str, port: int = 0, status: int = 0x0000) -> Iterator[tuple[int, list[str]]]:
    """A storage SCP; yields its port and the UIDs of what it was sent."""
    received: list[str] = []

    def on_store(event: Any) -> int:
        received.append(str(event.request.AffectedSOPInstanceUID))
        return status

    ae = AE(ae_title=ae_title)
    ae.supported_contexts = AllStoragePresentationContexts
    scp = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    assert scp is not None
    yield scp.server_address[1], received
    scp.shutdown()


def a_free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def add_node(page: Page, ae_title: str, port: int) -> None:
    """Register a node as the screens do, through the API."""
    page.evaluate(
        """async (node) => {
          const csrf = document.cookie.match(/filmless_csrf=([^;]*)/)[1];
          const headers = { 'Content-Type': 'application/json', 'X-CSRF-Token': decodeURIComponent(csrf) };
          const answer = await fetch('/api/nodes', { method: 'POST', headers, body: JSON.stringify(node) });
          if (!answer.ok) throw new Error(await answer.text());
        }""",
        {"ae_title": ae_title, "host": "127.0.0.1", "port": port},
    )


def choose(page: Page, field: Locator, title: str) -> None:
    """Pick one of a field's options by typing and Enter."""
    field.fill(title)
    page.get_by_role("option", name=title).first.click()
    page.keyboard.press("Tab")


def test_a_study_sent_from_the_list_is_seen_to_arrive(page: Page, server: Filmless) -> None:
    send(server, *(a_ct_slice(n, study=21, PatientName="Sent^Stella", PatientID="X-21") for n in (1, 2)))
    with a_receiver("SECOND") as (port, received):
        open_list(page)
        add_node(page, "SECOND", port)
        page.reload()
        row = page.locator("tr[data-study]", has_text="Sent, Stella")
        row.get_by_role("button", name="Send this study").click()
        dialog = page.get_by_role("dialog", name="Send")
        choose(page, dialog.get_by_label("To", exact=True), "SECOND")
        dialog.get_by_role("button", name="Send", exact=True).click()
        queued = dialog.locator("[data-queued=SECOND]")
        expect(queued.locator("[data-state=done]")).to_be_visible(timeout=ARRIVES_MS)
        expect(queued).to_contain_text("2 of 2")
        assert len(received) == 2
        dialog.get_by_role("link", name="Open the queue").click()
    row = page.locator("tr[data-transmission]", has_text="Sent, Stella")
    expect(row).to_contain_text("SECOND")
    expect(row).to_contain_text("User bench")
    expect(row.locator(".state")).to_have_text("Sent")


def test_one_series_is_sent_from_the_study(page: Page, server: Filmless) -> None:
    send(server, *(a_ct_slice(1, study=22, series=n, PatientID="X-22") for n in (1, 2)))
    with a_receiver("THIRD") as (port, received):
        open_list(page, "/?search=X-22")
        add_node(page, "THIRD", port)
        page.locator("tr[data-study] .row-link").first.click()
        page.get_by_role("button", name="Send series").first.click()
        dialog = page.get_by_role("dialog", name="Send")
        expect(dialog.get_by_role("radio", name="These series")).to_be_checked()
        choose(page, dialog.get_by_label("To", exact=True), "THIRD")
        dialog.get_by_role("button", name="Send", exact=True).click()
        expect(dialog.locator("[data-queued=THIRD] [data-state=done]")).to_be_visible(timeout=ARRIVES_MS)
        assert len(received) == 1


def test_a_node_that_is_down_says_so_in_plain_words_and_gets_it_on_retry(
    page: Page, server: Filmless
) -> None:
    send(server, a_ct_slice(1, study=23, PatientName="Late^Lena", PatientID="X-23"))
    port = a_free_port()
    open_list(page, "/?search=X-23")
    add_node(page, "DOWN", port)
    page.keyboard.press("j")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Send")
    choose(page, dialog.get_by_label("To", exact=True), "DOWN")
    dialog.get_by_role("button", name="Send", exact=True).click()
    dialog.get_by_role("link", name="Open the queue").click()
    row = page.locator("tr[data-transmission]", has_text="Late, Lena")
    expect(row.locator(".trouble")).to_contain_text("DOWN", timeout=ARRIVES_MS)
    expect(page.locator("[data-destination=DOWN]")).to_contain_text("Cannot be reached")
    row.get_by_role("button", name="Late, Lena").click()
    drawer = page.get_by_role("dialog", name="Transmission")
    expect(drawer).to_contain_text("What stood in the way")
    with a_receiver("DOWN", port) as (_, received):
        drawer.get_by_role("button", name="Try again now").click()
        expect(drawer.locator("[data-state=done]")).to_be_visible(timeout=ARRIVES_MS)
        assert len(received) == 1


def test_what_is_refused_is_named_and_waits_for_a_person(page: Page, server: Filmless) -> None:
    image = a_ct_slice(1, study=24, PatientName="Refused^Rudi", PatientID="X-24")
    send(server, image)
    with a_receiver("PICKY", status=0xA900) as (port, _):  # Data set does not match SOP class.
        open_list(page, "/?search=X-24")
        add_node(page, "PICKY", port)
        page.keyboard.press("j")
        page.keyboard.press("s")
        dialog = page.get_by_role("dialog", name="Send")
        choose(page, dialog.get_by_label("To", exact=True), "PICKY")
        dialog.get_by_role("button", name="Send", exact=True).click()
        expect(dialog.locator("[data-state=parked]")).to_be_visible(timeout=ARRIVES_MS)
    page.goto("/exchange/queue?show=parked&destination=PICKY")
    page.get_by_role("button", name="Refused, Rudi").click()
    drawer = page.get_by_role("dialog", name="Transmission")
    expect(drawer.get_by_role("region", name="Refused by the destination")).to_contain_text(
        str(image.SOPInstanceUID)
    )
    drawer.get_by_role("button", name="Stop").click()
    expect(drawer.locator("[data-state=cancelled]")).to_be_visible()


def test_a_paused_node_gets_nothing_until_it_is_resumed(page: Page, server: Filmless) -> None:
    send(server, a_ct_slice(1, study=25, PatientName="Held^Hans", PatientID="X-25"))
    with a_receiver("RESTING") as (port, received):
        open_list(page, "/?search=X-25")
        add_node(page, "RESTING", port)
        page.goto("/exchange/queue")
        page.get_by_role("button", name="Pause everything").click()
        expect(page.get_by_text("The whole queue is paused")).to_be_visible()
        open_list(page, "/?search=X-25")
        page.keyboard.press("j")
        page.keyboard.press("s")
        dialog = page.get_by_role("dialog", name="Send")
        choose(page, dialog.get_by_label("To", exact=True), "RESTING")
        dialog.get_by_role("button", name="Send", exact=True).click()
        expect(dialog.locator("[data-state=held]")).to_be_visible()
        assert received == []
        dialog.get_by_role("link", name="Open the queue").click()
        page.get_by_role("button", name="Resume everything").click()
        row = page.locator("tr[data-transmission]", has_text="Held, Hans")
        expect(row.locator(".state")).to_have_text("Sent", timeout=ARRIVES_MS)


def test_a_rule_is_written_tried_switched_removed_and_brought_back(page: Page, server: Filmless) -> None:
    send(server, a_ct_slice(1, study=26, PatientName="Tried^Tina", PatientID="X-26"))
    open_list(page)
    add_node(page, "VIEWER", 104)
    page.goto("/exchange/rules")
    page.get_by_role("button", name="New rule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("CT to the viewer")
    modality = dialog.get_by_label("Modality", exact=True)
    modality.fill("MR")
    modality.press("Enter")
    choose(page, dialog.get_by_label("Destinations", exact=True), "VIEWER")
    dialog.get_by_label("Send only at certain hours").check()
    study = dialog.get_by_label("Study", exact=True)
    study.fill("X-26")
    page.get_by_role("option", name="Tried, Tina").click()
    dialog.get_by_role("button", name="Try", exact=True).click()
    outcome = dialog.get_by_test_id("dry-run")
    expect(outcome).to_contain_text("It would send nothing.")
    expect(outcome).to_contain_text("does not match: Modality")
    modality.press("Backspace")
    modality.fill("CT")
    modality.press("Enter")
    dialog.get_by_role("button", name="Try", exact=True).click()
    expect(outcome).to_contain_text("It would send 1 image to VIEWER.")
    dialog.get_by_role("button", name="Save the rule").click()

    rule = page.locator("[data-rule='CT to the viewer']")
    expect(rule).to_contain_text("Modality CT → VIEWER")
    expect(rule).to_contain_text("20:00–06:00")
    rule.locator(".mantine-Switch-track").click()
    expect(rule).to_contain_text("switched off")
    rule.get_by_role("button", name="Remove").click()
    expect(rule).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(rule).to_be_visible()


def test_a_prefetch_rule_is_written(page: Page) -> None:
    open_list(page)
    add_node(page, "OLDPACS", 104)
    page.goto("/exchange/priors")
    page.get_by_role("button", name="New prefetch rule").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Priors from the old archive")
    choose(page, dialog.get_by_label("Archives", exact=True), "OLDPACS")
    dialog.get_by_label("At most so many studies").fill("5")
    dialog.get_by_role("button", name="Save the rule").click()
    rule = page.locator("[data-rule='Priors from the old archive']")
    expect(rule).to_contain_text("5 priors of 5 years at most")
    expect(rule).to_contain_text("OLDPACS")


def test_a_project_and_a_subscriber_are_added(page: Page) -> None:
    open_list(page)
    add_node(page, "TOLD", 104)
    page.goto("/exchange/settings")
    page.get_by_role("button", name="Add a project").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("TRIAL-7")
    dialog.get_by_label("Shift dates").check()
    dialog.get_by_role("button", name="Add a project").click()
    expect(page.locator("[data-project='TRIAL-7']")).to_contain_text("Shift dates")
    page.get_by_placeholder("Add a node").fill("TOLD")
    page.get_by_role("option", name="TOLD").click()
    expect(page.locator("[data-subscriber=TOLD]")).to_be_visible()
    page.get_by_role("button", name="Tell TOLD no more").click()
    expect(page.locator("[data-subscriber=TOLD]")).to_have_count(0)


def test_commitment_that_cannot_be_asked_says_why(page: Page, server: Filmless) -> None:
    send(server, a_ct_slice(1, study=27, PatientName="Kept^Karl", PatientID="X-27"))
    with a_receiver("KEEPER") as (port, _):  # Stores, and knows no storage commitment.
        open_list(page, "/?search=X-27")
        add_node(page, "KEEPER", port)
        page.keyboard.press("j")
        page.keyboard.press("s")
        dialog = page.get_by_role("dialog", name="Send")
        choose(page, dialog.get_by_label("To", exact=True), "KEEPER")
        dialog.get_by_label("Ask for storage commitment afterwards").check()
        dialog.get_by_role("button", name="Send", exact=True).click()
        expect(dialog.locator("[data-state=done]")).to_be_visible(timeout=ARRIVES_MS)
        page.goto("/exchange/commitment?direction=asked")
        row = page.locator("tr[data-commitment]", has_text="KEEPER")
        expect(row).to_be_visible(timeout=ARRIVES_MS)
        # It will be asked again by itself; meanwhile the row says what stands in the way, and of which node.
        expect(row.locator(".trouble")).to_contain_text("KEEPER", timeout=ARRIVES_MS)
        expect(row.locator(".state")).to_have_text("Waiting to ask")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; run npm ci in web")
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_exchange_is_accessible(page: Page, server: Filmless, scheme: str, width: int) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(f"localStorage['mantine-color-scheme-value'] = '{scheme}'")
    send(server, a_ct_slice(1, study=28, PatientName="Seen^Sina", PatientID="X-28"))
    open_list(page, "/?search=X-28")
    found: dict[str, list[str]] = {}

    def look(screen: str) -> None:
        found[screen] = violations_of_wcag(page)
        page.screenshot(path=OUT / f"exchange-{screen}-{scheme}-{width}.png")

    name = f"AXE{width}{scheme[0].upper()}"
    add_node(page, name, a_free_port())
    page.keyboard.press("j")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Send")
    choose(page, dialog.get_by_label("To", exact=True), name)
    look("send")
    dialog.get_by_role("button", name="Send", exact=True).click()
    dialog.get_by_role("link", name="Open the queue").wait_for()
    look("queued")
    page.goto(f"/exchange/queue?destination={name}")
    page.locator(".trouble").first.wait_for(timeout=ARRIVES_MS)
    look("queue")
    page.get_by_role("button", name="Seen, Sina").first.click()
    page.locator("[data-drawer]").wait_for()
    look("drawer")
    page.goto("/exchange/rules")
    page.get_by_role("button", name="New rule").click()
    page.get_by_role("dialog").get_by_label("Send only at certain hours").check()
    look("rule")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    look("rules")
    for tab in ("priors", "commitment", "settings"):
        page.goto(f"/exchange/{tab}")
        page.get_by_role("heading", name="Exchange").wait_for()
        page.locator(".mantine-Skeleton-root").wait_for(state="detached")
        look(tab)
    assert {screen: words for screen, words in found.items() if words} == {}
