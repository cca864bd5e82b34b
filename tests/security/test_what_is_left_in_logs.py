"""After everything above: no log of hub, proxy, service or exchange holds a token, a name or a mail address."""

import re

from ..support.system import body


def logs(world):
    """Every log: of the hub with proxy and service, of the exchanges, of the servers."""
    courses = world.system.data / "courses"
    found = [world.system.log, *courses.glob("*/exchange/*.log"), *courses.glob("*/grader/.server.log")]
    found += courses.glob("*/homes/*/.server.log")
    assert len(found) >= 5
    return {path: path.read_text(errors="replace") for path in found}


def test_no_log_holds_a_token_a_name_or_a_mail_address(world):
    for person in ("grace", "ada"):
        world.secrets.add(world.people[person].token())
        world.people[person].browser.go("/services/courses/ml101/roster?email=" + world.people[person].email)
    body(world.api("GET", f"courses?token={world.tokens['ada']}", "nobodys"))
    world.ada.browser.get(f"/services/courses/oauth_callback?code=seeded-code-1234&state={world.tokens['bob']}")
    for path, text in logs(world).items():
        told = [secret for secret in world.secrets | {"seeded-code-1234"} if secret in text]
        assert not told, (path.name, [line[:300] for line in text.splitlines() if told[0] in line][:3])


def test_no_log_holds_a_claim_or_an_id_token(world):
    for path, text in logs(world).items():
        found = re.search(
            r"eyJ[\w-]{10,}\.[\w-]+|purl\.imsglobal\.org/(spec/lti/claim|vocab)|login_hint=|id_token=", text
        )
        assert found is None, (path.name, found)


def test_refusals_have_a_reference_that_the_log_has(world):
    answer = world.ada.browser.get("/services/courses/api/courses/stats")
    assert body(answer)["reference"] in world.system.log.read_text()


def test_nothing_went_wrong_unnoticed(world):
    """The hub itself writes one for a start that the spawner refuses to a link with options; nothing else may."""
    traces = re.findall(r"(?s)Traceback.*?\n(?:    )?(\w[\w.]+): ?([^\n]*)", world.system.log.read_text())
    assert [one for one in traces if "SpawnException" not in one[0]] == []
