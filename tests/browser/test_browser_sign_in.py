"""Coming in and going out."""

from bench.filmless_server import PASSWORD, Filmless
from playwright.sync_api import Browser, Page, expect
from screens import USER, open_context, sign_in


def test_nobody_sees_studies_without_signing_in_and_the_way_leads_back(
    browser: Browser, server: Filmless
) -> None:
    context = open_context(browser, server.http_url)
    page = context.new_page()
    page.goto("/?search=compressed")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, USER, PASSWORD)
    expect(page).to_have_url(f"{server.http_url}/?search=compressed")
    expect(page.locator("tr[data-study]").first).to_be_visible()
    context.close()


def test_a_wrong_password_is_said_in_plain_words(browser: Browser, server: Filmless) -> None:
    context = open_context(browser, server.http_url)
    page = context.new_page()
    page.goto("/")
    sign_in(page, "nobody-in-particular", "a wrong password")
    expect(page.get_by_role("alert")).to_contain_text("User name or password is not right.")
    context.close()


def test_signing_out_ends_it(browser: Browser, server: Filmless) -> None:
    context = open_context(browser, server.http_url)
    page = context.new_page()
    page.goto("/")
    sign_in(page, USER, PASSWORD)
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert context.request.get("/api/studies").status == 401
    context.close()


def test_a_session_that_ended_leads_to_sign_in(page: Page) -> None:
    page.goto("/")
    page.wait_for_selector("tr[data-study]")
    page.context.clear_cookies()
    page.get_by_role("button", name="Patient ID").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
