"""One-time links: a GET changes nothing, the button logs in, once, and no other site can press it."""

import html
import re

import pytest

from jupyterhub_courses.core.sentences import SENTENCES

from .conftest import end
from .service import admission

CODE = "once-code-0123456789"


def access(username):
    return {name: admission(username)[name] for name in ("username", "admin", "roles")} | {"login": None}


@pytest.fixture
def link(service):
    """A link for the configured administrator."""
    service.links[CODE] = access("root-of-hub")
    return f"/hub/login-link?code={CODE}"


def form_of(answer):
    """What the button sends."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))


def logged_in(browser):
    return "jupyterhub-hub-login" in {cookie.key for cookie in browser.session.cookie_jar if cookie.value}


async def test_the_first_administrator_gets_in(hub, browser_of, service, link):
    browser = browser_of()
    page = await browser.get(link)
    assert page.status == 200 and "root-of-hub" in page.text and page.headers["Referrer-Policy"] == "no-referrer"
    answer = await browser.post("/hub/login-link", **form_of(page))
    assert (answer.status, answer.location) == (303, "/services/courses/")
    assert logged_in(browser) and service.links == {}
    assert (await browser.get("/hub/admin")).status == 200
    roles = {role.name for role in hub.users["root-of-hub"].orm_user.roles}
    assert roles == {"user", "admin"}


async def test_somebody_whom_a_courses_file_names_is_made_a_user_of_the_hub(hub, browser_of, service):
    service.links[CODE] = access("carol")
    browser = browser_of()
    page = await browser.get(f"/hub/login-link?code={CODE}")
    assert (await browser.post("/hub/login-link", **form_of(page))).status == 303
    assert not hub.users["carol"].admin


@pytest.mark.parametrize("language", ["en", "de"])
async def test_looking_at_the_link_uses_nothing_up_and_the_page_is_in_the_readers_language(
    hub, browser_of, service, link, language
):
    for _ in range(3):
        answer = await browser_of(language).get(link)
        assert answer.status == 200
        assert SENTENCES["link_text"][language].format(name="root-of-hub") in html.unescape(answer.text)
    assert CODE in service.links and ("POST", "login-links/admissions") not in service.asked


@pytest.mark.parametrize("code", ["", "wrong", "x" * 300, CODE + "x"])
async def test_a_wrong_code_is_refused_with_a_sentence_and_a_reference(hub, browser_of, link, code, caplog):
    answer = await browser_of().get("/hub/login-link", code=code)
    assert answer.status == 410 and answer.code == "code_spent"
    assert answer.reference and answer.reference in caplog.text + "feedbee5"


async def test_a_used_link_is_refused_in_both_languages(hub, browser_of, service, link):
    browser, late = browser_of(), browser_of("de")
    pages = [await browser.get(link), await late.get(link)]
    assert (await browser.post("/hub/login-link", **form_of(pages[0]))).status == 303
    answer = await late.post("/hub/login-link", **form_of(pages[1]))
    assert answer.status == 410 and answer.reference and not logged_in(late)
    assert SENTENCES["code_spent"]["de"] in html.unescape(answer.text)
    assert (await browser.get(link)).status == 410


async def test_no_other_site_can_press_the_button(hub, browser_of, service, link):
    """An attacker's own link, posted from the attacker's page, would make somebody work in the attacker's account."""
    victim, attacker = browser_of(), browser_of()
    stolen = form_of(await attacker.get(link))
    await victim.get("/hub/login")
    for form in ({"code": CODE}, {"code": CODE, "_xsrf": "guessed"}, stolen):
        # Another browser sends another User-Agent; a page of another site cannot set the cookie that belongs to it.
        headers = {"User-Agent": "victim", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        url = f"{victim.base}/hub/login-link"
        async with victim.session.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            assert answer.status == 403, form
            assert SENTENCES["link_form_stale"]["en"] in html.unescape(await answer.text())
    assert CODE in service.links and not logged_in(victim)


async def test_a_link_works_in_any_hub_process_and_once_in_all_of_them(
    hub_app, hub_config, browser_of_app, service, link, tmp_path, free_port
):
    """Two hubs, of which neither keeps anything of a link: the store of the service does."""
    from copy import deepcopy

    other_config = deepcopy(hub_config)
    other_config.JupyterHub.bind_url = f"http://127.0.0.1:{free_port()}/"
    other_config.JupyterHub.hub_bind_url = f"http://127.0.0.1:{free_port()}"
    other_config.JupyterHub.db_url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    other_config.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{free_port()}"
    other_config.ConfigurableHTTPProxy.pid_file = str(tmp_path / "other-proxy.pid")
    first, second = await hub_app(config=hub_config), await hub_app(config=other_config)
    try:
        one, two = browser_of_app(first), browser_of_app(second)
        seen = [await one.get(link), await two.get(link)]
        assert [answer.status for answer in seen] == [200, 200]
        assert (await two.post("/hub/login-link", **form_of(seen[1]))).status == 303
        assert (await one.post("/hub/login-link", **form_of(seen[0]))).status == 410
        assert logged_in(two) and not logged_in(one)
    finally:
        await end(second)
        await end(first)


async def test_a_link_ends_the_login_of_somebody_else_in_that_browser(hub, browser_of, platform, link):
    browser = browser_of()
    await browser.launch(platform)
    page = await browser.get(link)
    answer = await browser.post("/hub/login-link", **form_of(page))
    assert answer.status == 303
    dropped = [c for c in answer.headers.getall("Set-Cookie") if c.startswith('service-courses="";')]
    assert dropped and "root-of-hub" in (await browser.get("/hub/home")).text


async def test_neither_code_nor_query_is_logged(hub, browser_of, link, caplog):
    browser = browser_of()
    page = await browser.get(link)
    await browser.post("/hub/login-link", **form_of(page))
    await browser.get(link)
    await browser.get("/hub/login-link", code="wrong-code-9876")
    assert CODE not in caplog.text and "wrong-code-9876" not in caplog.text


async def test_while_the_service_is_away_a_page_says_so_and_the_link_is_kept(hub, browser_of, service, link):
    browser = browser_of()
    page = await browser.get(link)
    await service.stop()
    answers = [await browser.get(link), await browser.post("/hub/login-link", **form_of(page))]
    assert [(answer.status, answer.code) for answer in answers] == [(503, "service_down")] * 2
    await service.start()
    assert (await browser.post("/hub/login-link", **form_of(page))).status == 303


async def test_a_blocked_name_does_not_get_in_by_a_link_either(hub, browser_of, link):
    hub.authenticator.blocked_users = {"root-of-hub"}
    browser = browser_of()
    answer = await browser.post("/hub/login-link", **form_of(await browser.get(link)))
    assert (answer.status, answer.code) == (403, "login_refused") and not logged_in(browser)
