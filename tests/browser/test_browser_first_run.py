"""The first run: one link, one account, an empty archive that says how to fill it."""

import re

from bench.filmless_server import Filmless
from playwright.sync_api import Browser, Page, expect
from screens import open_context, send, wait_for_live

from builders import a_ct_slice

SETUP_LINK = re.compile(r"/setup#[\w-]+")
LOOKS, LOOK_MS = 200, 50


def printed_link(server: Filmless, page: Page) -> str:
    """The path of the one-time link, which is printed a moment after the servers answer."""
    for _ in range(LOOKS):
        if found := SETUP_LINK.search((server.folder / "log").read_text()):
            return found.group()
        page.wait_for_timeout(LOOK_MS)
    raise AssertionError("The server printed no set-up link.")


def test_the_printed_link_makes_the_first_account_and_the_first_image_appears(
    browser: Browser, new_server: Filmless
) -> None:
    context = open_context(browser, new_server.http_url)
    page = context.new_page()
    link = printed_link(new_server, page)
    page.goto(link)
    page.get_by_label("Your name").fill("Robin Okonkwo")
    page.get_by_label("User name").fill("robin")
    page.get_by_label("New password").fill("a first password 1")
    page.get_by_label("The same again").fill("a first password 1")
    page.get_by_role("button", name="Create the account").click()

    expect(page.get_by_role("heading", name="The archive is empty")).to_be_visible()
    expect(page.locator(".command")).to_contain_text(
        f"storescu -aec FILMLESS 127.0.0.1 {new_server.dicom_address[1]}"
    )
    wait_for_live(page)
    send(new_server, a_ct_slice())
    expect(page.locator("tr[data-study]")).to_have_count(1)
    expect(page.get_by_role("link", name="Synthetic, Müller")).to_be_visible()

    page.goto(link)
    expect(page.get_by_text("Set-up is done")).to_be_visible()
    context.close()
