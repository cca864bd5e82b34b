"""LTI 1.1 is off until an administrator switches it on."""

import pytest

from jupyterhub_courses.core.sentences import sentence

pytestmark = pytest.mark.hub


@pytest.mark.parametrize("language", ["en", "de"])
async def test_lti_11_is_off_by_default(browser_of, service, language):
    answer = await browser_of(language).post("/hub/lti11/launch", oauth_consumer_key="k", user_id="5")
    assert (answer.status, answer.code) == (404, "lti11_off")
    assert answer.sentence == sentence("lti11_off", language) and answer.reference
    assert [path for _, path in service.asked if path.startswith("admissions")] == []
