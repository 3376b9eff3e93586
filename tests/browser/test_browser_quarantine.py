"""What contradicts the archive waits for a person, with both sides shown."""

from bench.filmless_server import Filmless
from playwright.sync_api import Page, expect
from screens import open_list, send

from builders import a_ct_slice


def test_a_contradiction_is_shown_side_by_side_and_discarded_with_a_reason(
    page: Page, server: Filmless
) -> None:
    send(server, a_ct_slice(1, study=8, PatientName="Held^Otto", PatientID="Q-8"))
    send(server, a_ct_slice(2, study=8, PatientName="Other^Paula", PatientID="Q-9"))
    open_list(page)
    page.get_by_role("link", name="Quarantine").click()
    item = page.locator("[data-quarantine]", has_text="Other, Paula")
    expect(item.get_by_role("heading")).to_have_text("Study belongs to another patient")
    row = item.get_by_role("row", name="PatientID")
    expect(row).to_contain_text("Q-8")
    expect(row).to_contain_text("Q-9")

    item.get_by_role("button", name="Discard").click()
    dialog = page.get_by_role("dialog", name="Discard this object?")
    discard = dialog.get_by_role("button", name="Discard")
    expect(discard).to_be_disabled()
    dialog.get_by_label("Reason").fill("Sent under the wrong patient; the room sends it again.")
    discard.click()
    expect(item).to_have_count(0)
