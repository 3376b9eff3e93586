"""The study list: found, sorted, walked by keys, alive."""

from bench.filmless_server import Filmless
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect
from screens import open_context, open_list, send, wait_for_live

from builders import a_ct_slice

FOCUSED_STUDY = "() => document.activeElement?.closest('tr')?.dataset.study ?? ''"


def studies_of(page: Page) -> list[str]:
    return page.locator("tr[data-study]").evaluate_all("rows => rows.map(row => row.dataset.study)")


def test_the_list_shows_what_the_archive_holds(page: Page) -> None:
    open_list(page)
    expect(page.get_by_role("link", name="CompressedSamples, CT1")).to_be_visible()
    row = page.locator("tr[data-study]", has_text="CompressedSamples, MR1")
    expect(row.locator(".modality")).to_have_text("MR")


def test_search_is_in_the_address_and_survives_reload_and_back(page: Page) -> None:
    open_list(page)
    page.get_by_label("Search studies").fill("MR1")
    expect(page.locator("tr[data-study]")).to_have_count(1)
    assert "search=MR1" in page.url
    page.reload()
    expect(page.get_by_label("Search studies")).to_have_value("MR1")
    page.get_by_role("link", name="CompressedSamples, MR1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("CompressedSamples, MR1")
    page.locator("main").get_by_role("link", name="Studies").click()
    expect(page.get_by_label("Search studies")).to_have_value("MR1")
    expect(page.locator("tr[data-study]")).to_have_count(1)


def test_modality_chips_narrow_and_can_be_cleared(page: Page) -> None:
    open_list(page)
    everything = page.locator("tr[data-study]").count()
    page.get_by_role("group", name="Modality").get_by_text("MR", exact=True).click()
    expect(page.locator("tr[data-study]")).to_have_count(1)
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("tr[data-study]")).to_have_count(everything)


def test_a_column_head_sorts_and_says_so(page: Page) -> None:
    open_list(page)
    head = page.get_by_role("columnheader", name="Patient ID")
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(page.locator(".table-area")).to_have_attribute("data-stale", "false")
    ascending = studies_of(page)
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(page.locator(".table-area")).to_have_attribute("data-stale", "false")
    assert studies_of(page) == ascending[::-1]


def test_keys_walk_the_list_and_open_the_study(page: Page) -> None:
    open_list(page)
    rows = studies_of(page)
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED_STUDY) == rows[1]
    page.keyboard.press("k")
    assert page.evaluate(FOCUSED_STUDY) == rows[0]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/studies/{rows[0]}")
    page.keyboard.press("u")
    expect(page.locator("tr[data-study]").first).to_be_visible()


def test_slash_goes_to_the_search_and_typing_there_is_typing(page: Page) -> None:
    open_list(page)
    page.keyboard.press("/")
    expect(page.get_by_label("Search studies")).to_be_focused()
    page.keyboard.type("jkv?/")
    expect(page.get_by_label("Search studies")).to_have_value("jkv?/")
    expect(page.get_by_text("No study matches")).to_be_visible()


def test_question_mark_shows_the_keys(page: Page) -> None:
    open_list(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Next study")


def test_v_opens_the_viewer_on_the_focused_study(page: Page, context: BrowserContext) -> None:
    open_list(page)
    page.keyboard.press("j")
    study = page.evaluate(FOCUSED_STUDY)
    with context.expect_page() as opened:
        page.keyboard.press("v")
    opened.value.wait_for_url(f"**/viewer/viewer?StudyInstanceUIDs={study}")


def test_a_new_study_appears_and_a_growing_one_counts_up_by_itself(page: Page, server: Filmless) -> None:
    open_list(page)
    wait_for_live(page)
    first = a_ct_slice(1, study=7, PatientName="Live^Anna", PatientID="LIVE-7")
    row = page.locator(f"tr[data-study='{first.StudyInstanceUID}']")
    send(server, first)
    expect(row).to_be_visible()
    expect(row.locator(".col-images")).to_have_text("1")
    send(server, *(a_ct_slice(n, study=7, PatientName="Live^Anna", PatientID="LIVE-7") for n in (2, 3, 4)))
    expect(row.locator(".col-images")).to_have_text("4")
    expect(row).to_have_attribute("data-fresh", "true")


def test_the_phone_shows_the_same_studies(
    browser: Browser, server: Filmless, signed_in: StorageState
) -> None:
    context = open_context(
        browser, server.http_url, storage_state=signed_in, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    open_list(page)
    expect(page.get_by_role("link", name="CompressedSamples, CT1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
