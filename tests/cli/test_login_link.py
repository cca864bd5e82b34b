"""`login-link`: what it asks, prints and refuses."""

import json

ANSWER = {"username": "ada", "url": "https://hub.example/hub/login-link?code=c0de", "seconds": 600}


def test_the_link_stands_alone_on_its_line_so_that_it_can_be_copied(command, service, data_dir):
    service.answers["POST", "login-links"] = (201, ANSWER)
    outcome = command("login-link", "ada", "--data-dir", data_dir)
    assert outcome.status == 0 and outcome.out.splitlines()[0] == ANSWER["url"]
    assert "as ada, once, within the next 10 minutes" in outcome.out
    assert service.asked == [("POST", "login-links", "token secret", {"username": "ada"})]


def test_the_answer_can_be_had_as_json(command, service, data_dir):
    service.answers["POST", "login-links"] = (201, ANSWER)
    assert json.loads(command("login-link", "ada", "--json", "--data-dir", data_dir).out) == ANSWER


def test_a_refusal_is_told_with_its_reference_and_no_link(command, service, data_dir):
    refused = {"code": "link_not_for_lms", "message": "This person comes by their LMS.", "reference": "feedbee5"}
    service.answers["POST", "login-links"] = (403, refused)
    outcome = command("login-link", "bob", "--data-dir", data_dir)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err.strip() == "This person comes by their LMS. (reference feedbee5)"


def test_it_takes_one_name(command, data_dir):
    assert command("login-link", "--data-dir", data_dir).status == 2
