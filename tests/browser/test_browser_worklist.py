"""The worklist on the screen: scheduled here, seen by the machine; done there, seen here."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from bench.filmless_server import Filmless
from modality import begin, end, worklist_of
from playwright.sync_api import Browser, Locator, Page, StorageState, expect
from screens import AXE, OUT, pages_of_all_looks, send, sign_in_to, violations_of_wcag, wait_for_live

from builders import a_ct_slice

SECONDS_MAX = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filmless]:
    """Filmless with nothing scheduled."""
    with Filmless(folder=tmp_path_factory.mktemp("worklist")) as filmless:
        yield filmless


@pytest.fixture(scope="module")
def signed_in(browser: Browser, server: Filmless) -> StorageState:
    return sign_in_to(browser, server)


def day(after: int = 0) -> str:
    """A day as the department's calendar has it."""
    return (date.today() + timedelta(days=after)).isoformat()  # noqa: DTZ011 - The wall calendar's.


def schedule(server: Filmless, family: str, number: str, **step: Any) -> dict[str, Any]:
    """A step put in over HTTP, as another desk does."""
    body = {
        "patient": {
            "patient_name": f"{family}^Ada", "patient_id": number,
            "patient_birth_date": "1970-01-02", "patient_sex": "F",
        },
        "procedure": {"requested_procedure_description": "CT head"},
        "step": {
            "modality": "CT", "scheduled_station_ae_titles": ["CT1"],
            "start_date": day(), "start_time": "10:15", **step,
        },
    }  # fmt: skip
    return _request(server, "POST", "", body)


def _request(server: Filmless, method: str, path: str, body: Any = None) -> dict[str, Any]:
    url = f"{server.http_url}/api/worklist{path}"
    answer = httpx.request(
        method, url, json=body, headers=server.headers, timeout=SECONDS_MAX, trust_env=False
    )
    assert answer.is_success, answer.text
    return dict(answer.json())


def changed(server: Filmless, step_id: str, **step: Any) -> None:
    """Another desk changes the step."""
    held = _request(server, "GET", f"/{step_id}")
    body = {name: held[name] for name in ("patient", "request", "procedure", "step", "revision")}
    body["step"] |= step
    _request(server, "PUT", f"/{step_id}", body)


def row_of(page: Page, name: str) -> Locator:
    return page.locator("tr[data-row]", has_text=name)


def menu_of(page: Page, name: str, item: str) -> None:
    row_of(page, name).get_by_role("button", name="Actions for").click()
    page.get_by_role("menuitem", name=item).click()


def fill_in(form: Locator, family: str, number: str) -> None:
    """What must be said of an exam."""
    form.get_by_label("Family name").fill(family)
    form.get_by_label("Given name").fill("Ada")
    form.get_by_label("Patient ID").fill(number)
    form.get_by_role("textbox", name="Procedure").fill("MR knee")
    form.get_by_label("Modality").fill("mr")
    form.get_by_role("combobox", name="Station").fill("MR1")
    form.get_by_role("combobox", name="Station").press("Enter")


def test_an_empty_day_says_how_machines_get_the_list(page: Page, server: Filmless) -> None:
    page.goto(f"/worklist?day={day(300)}")
    expect(page.get_by_role("heading", name="Nothing is scheduled on this day")).to_be_visible()
    expect(page.get_by_text("Modality Worklist, MWL")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text(str(server.dicom_address[1]))
    page.get_by_role("link", name="Look at the nodes").click()
    page.wait_for_url("**/nodes")


@pytest.mark.skipif(shutil.which("findscu") is None or shutil.which("dump2dcm") is None, reason="needs DCMTK")
def test_an_exam_scheduled_here_is_on_the_machine_of_dcmtk(
    page: Page, server: Filmless, tmp_path: Path
) -> None:
    page.goto("/worklist")
    page.get_by_role("button", name="Schedule an exam").first.click()
    form = page.get_by_role("dialog", name="Schedule an exam")
    expect(form.get_by_label("Family name")).to_be_focused()
    form.get_by_label("Time").fill("23:45")
    fill_in(form, "Grün", "W-100")
    form.get_by_label("Date of birth").fill("1980-02-29")
    form.get_by_label("Referring physician").fill("Sender, Sam")
    form.get_by_label("Comments").fill("Claustrophobic")
    form.get_by_role("button", name="Schedule", exact=True).click()
    expect(form).to_have_count(0)
    row = row_of(page, "Grün, Ada")
    for text in ("23:45", "W-100", "MR knee", "MR1", "Scheduled", "29/02/1980"):
        expect(row).to_contain_text(text)

    query = (
        "(0008,0005) CS [ISO_IR 192]\n(0008,0050) SH []\n(0008,0090) PN []\n(0010,0010) PN [Grün*]\n"
        "(0010,0020) LO []\n(0010,0030) DA []\n(0032,1060) LO []\n"
        f"(0040,0100) SQ\n(fffe,e000) -\n(0008,0060) CS [MR]\n(0040,0001) AE [MR1]\n"
        f"(0040,0002) DA [{day().replace('-', '')}]\n(0040,0003) TM []\n(0040,0400) LT []\n"
        "(fffe,e00d) -\n(fffe,e0dd) -\n"
    )
    (tmp_path / "query.dump").write_text(query, encoding="utf-8")
    run("dump2dcm", "+te", str(tmp_path / "query.dump"), str(tmp_path / "query.dcm"))
    port = str(server.dicom_address[1])
    words = ("-W", "-aet", "MR1", "-aec", server.ae_title, "127.0.0.1", port, str(tmp_path / "query.dcm"))
    said = run("findscu", *words)
    for text in ("Grün^Ada", "W-100", "19800229", "Sender^Sam", "MR knee", "234500", "Claustrophobic"):
        assert text in said, said
    assert str(row.locator("td").nth(4).inner_text()) in said  # The accession number that was made.


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_what_is_missing_or_too_long_is_said_at_its_field(page: Page) -> None:
    page.goto("/worklist")
    page.get_by_role("button", name="Schedule an exam").first.wait_for()
    page.keyboard.press("n")
    form = page.get_by_role("dialog", name="Schedule an exam")
    form.get_by_role("button", name="Schedule", exact=True).click()
    expect(form.get_by_label("Family name")).to_be_focused()
    expect(form.get_by_text("This is needed.").first).to_be_visible()
    fill_in(form, "x" * 70, "W-101")
    form.get_by_label("Time").fill("23:46")
    form.get_by_label("Weight").fill("heavy")
    form.get_by_role("button", name="Schedule", exact=True).click()
    expect(form.get_by_text("At most 64 characters.")).to_be_visible()
    expect(form.get_by_text("is not a number")).to_be_visible()
    expect(form.get_by_label("Family name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(form.get_by_text("What you entered is not saved.")).to_be_visible()
    form.get_by_role("button", name="Discard").click()
    expect(form).to_have_count(0)


def test_the_machine_moves_the_exam_from_arrived_to_done_on_the_open_screen(
    page: Page, server: Filmless
) -> None:
    step = schedule(server, "Lauf", "W-200")
    page.goto("/worklist")
    wait_for_live(page)
    row = row_of(page, "Lauf, Ada")
    row.get_by_role("button", name="Lauf, Ada has arrived").click()
    expect(row.locator(".state")).to_have_text("Arrived")
    expect(row.get_by_role("button", name="has arrived")).to_have_count(0)

    (entry,) = worklist_of(server, PatientID="W-200")
    uid = begin(server, entry)
    expect(row.locator(".state")).to_have_text("In progress")
    slices = [a_ct_slice(n, study=20, PatientName="Lauf^Ada", PatientID="W-200") for n in (1, 2)]
    for one in slices:
        one.StudyInstanceUID = entry.StudyInstanceUID
    send(server, *slices)
    end(server, uid, [(str(slices[0].SeriesInstanceUID), [str(one.SOPInstanceUID) for one in slices])])
    expect(row.locator(".state")).to_have_text("Completed")

    menu_of(page, "Lauf, Ada", "What the machine reported")
    page.wait_for_url(f"**/worklist/performed?step={step['id']}")
    reported = row_of(page, "Lauf, Ada")
    for text in ("Completed", "CT1", "1 series, 2 images", entry.AccessionNumber):
        expect(reported).to_contain_text(str(text))
    reported.get_by_role("button", name="Lauf, Ada").click()
    dialog = page.get_by_role("dialog", name="What the machine reported")
    expect(dialog.get_by_role("row", name="axial")).to_contain_text("2")
    dialog.get_by_role("link", name="2 images are here").click()
    page.wait_for_url(f"**/studies/{entry.StudyInstanceUID}")


def test_what_was_not_scheduled_is_marked_and_a_reason_is_told_in_words(page: Page, server: Filmless) -> None:
    page.goto("/worklist/performed")
    wait_for_live(page)
    uid = begin(server)
    row = row_of(page, "Walk, Ines")
    expect(row).to_contain_text("In progress")
    expect(row).to_contain_text("Not scheduled")
    end(server, uid, [], reason="110505")
    expect(row).to_contain_text("Discontinued")
    expect(row).to_contain_text("Patient did not want to go on")
    page.get_by_role("radiogroup", name="State").get_by_text("Completed").click()
    expect(row).to_have_count(0)
    assert "status=COMPLETED" in page.url


def test_a_cancelled_exam_leaves_the_machines_list(page: Page, server: Filmless) -> None:
    schedule(server, "Absage", "W-300")
    assert len(worklist_of(server, PatientID="W-300")) == 1
    page.goto("/worklist")
    menu_of(page, "Absage, Ada", "Cancel the exam")
    dialog = page.get_by_role("dialog", name="Cancel this exam?")
    expect(dialog).to_contain_text("Absage, Ada")
    cancel = dialog.get_by_role("button", name="Cancel the exam")
    expect(cancel).to_be_disabled()
    dialog.get_by_label("Reason").fill("The ward called: not fit for it today.")
    cancel.click()
    expect(row_of(page, "Absage, Ada").locator(".state")).to_have_text("Cancelled")
    assert worklist_of(server, PatientID="W-300") == []


def test_two_people_who_change_one_exam_hear_of_each_other(page: Page, server: Filmless) -> None:
    step = schedule(server, "Beide", "W-400")
    page.goto("/worklist")
    menu_of(page, "Beide, Ada", "Edit")
    form = page.get_by_role("dialog", name="Change the exam")
    expect(form.get_by_label("Patient ID")).not_to_be_editable()
    form.get_by_label("Comments").fill("Be kind")
    changed(server, step["id"], start_time="11:30:00")
    form.get_by_role("button", name="Save").click()
    notice = form.get_by_test_id("meanwhile")
    expect(notice).to_contain_text("Somebody else changed this exam")
    expect(notice).to_contain_text("Time: 10:15 11:30")
    expect(form.get_by_label("Time")).to_have_value("11:30")
    expect(form.get_by_label("Comments")).to_have_value("Be kind")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    held = _request(server, "GET", f"/{step['id']}")["step"]
    assert (held["start_time"], held["comments"]) == ("11:30:00", "Be kind")


def test_an_exam_that_starts_while_it_is_edited_cannot_be_changed_any_more(
    page: Page, server: Filmless
) -> None:
    schedule(server, "Spät", "W-401")
    page.goto("/worklist")
    menu_of(page, "Spät, Ada", "Edit")
    form = page.get_by_role("dialog", name="Change the exam")
    form.get_by_label("Comments").fill("Too late")
    (entry,) = worklist_of(server, PatientID="W-401")
    begin(server, entry)
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Its state is now: In progress")


def test_day_and_filters_are_in_the_address_and_names_are_not(page: Page, server: Filmless) -> None:
    for number, after in ((1, 0), (2, 1)):
        schedule(server, f"Tag{number}", f"W-50{number}", start_date=day(after))
    page.goto("/worklist?state=todo&modality=CT")
    page.get_by_label("Search the worklist").fill("tag")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    expect(row_of(page, "Tag1, Ada")).to_be_visible()
    page.get_by_role("button", name="Next day").click()
    expect(row_of(page, "Tag2, Ada")).to_be_visible()
    assert page.url.endswith(f"/worklist?day={day(1)}&state=todo&modality=CT")
    page.reload()
    expect(page.get_by_label("Search the worklist")).to_have_value("tag")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.get_by_label("Search the worklist").fill("w-501")
    page.get_by_role("button", name="Look on all days").click()
    expect(row_of(page, "Tag1, Ada")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("No exam matches")).to_be_visible()


def test_keys_walk_the_day_and_open_an_exam(page: Page, server: Filmless) -> None:
    step = schedule(server, "Taste", "W-600", start_date=day(40), start_time="08:00")
    schedule(server, "Zweite", "W-601", start_date=day(40), start_time="09:00")
    page.goto(f"/worklist?day={day(39)}")
    page.get_by_role("heading", name="Nothing is scheduled on this day").wait_for()
    page.keyboard.press("]")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Scheduled exam")
    expect(dialog).to_contain_text("Taste, Ada")
    assert page.url.endswith(f"step={step['id']}")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("a")
    expect(row_of(page, "Taste, Ada").locator(".state")).to_have_text("Arrived")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; run npm ci in web")
def test_the_worklist_is_accessible_in_every_look(
    browser: Browser, server: Filmless, signed_in: StorageState
) -> None:
    shown, empty = day(60), day(61)
    schedule(server, "Schön", "W-700", start_date=shown, body_part_examined="HEAD", laterality="L")
    gone = schedule(server, "Weg", "W-701", start_date=shown, start_time="11:00")
    _request(server, "POST", f"/{gone['id']}/cancel", {"reason": "a test"})
    later = schedule(server, "Da", "W-702", start_date=shown, start_time="12:00")
    _request(server, "POST", f"/{later['id']}/arrive")
    uid = begin(server, PatientName="Zugriff^Ada")
    end(server, uid, [("1.2.3.4", ["1.2.3.4.5"])], reason="110514")
    found: dict[str, list[str]] = {}
    for look, page in pages_of_all_looks(browser, server, signed_in):

        def see(screen: str, page: Page = page, look: str = look) -> None:
            found[f"{screen}, {look}"] = violations_of_wcag(page)
            OUT.mkdir(exist_ok=True)
            page.screenshot(path=OUT / f"worklist {screen} {look}.png")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{screen} {look}"

        page.goto(f"/worklist?day={shown}")
        page.locator("tr[data-row]").first.wait_for()
        see("list")
        page.get_by_role("button", name="Schön, Ada", exact=True).click()
        page.get_by_role("dialog", name="Scheduled exam").get_by_text("W-700").wait_for()
        see("details")
        page.get_by_role("dialog").get_by_role("button", name="Edit").click()
        page.get_by_role("dialog", name="Change the exam").get_by_label("Family name").wait_for()
        see("edit")
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        menu_of(page, "Schön, Ada", "Cancel the exam")
        page.get_by_role("dialog", name="Cancel this exam?").wait_for()
        see("cancel")
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        page.get_by_role("button", name="Schedule an exam").click()
        page.get_by_role("button", name="Schedule", exact=True).click()
        page.get_by_text("This is needed.").first.wait_for()
        see("new")
        page.goto(f"/worklist?day={empty}")
        page.get_by_role("heading", name="Nothing is scheduled on this day").wait_for()
        see("empty")
        page.get_by_role("button", name="How machines get this list").click()
        page.get_by_role("dialog").wait_for()
        see("help")
        page.goto("/worklist/performed")
        page.get_by_role("button", name="Zugriff, Ada").click()
        page.get_by_role("dialog").get_by_text("axial").wait_for()
        see("performed detail")
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
        see("performed")
        page.goto(f"/worklist/performed?day={empty}")
        page.get_by_text("No machine reported anything on this day").wait_for()
        see("performed empty")
    assert {screen: words for screen, words in found.items() if words} == {}
