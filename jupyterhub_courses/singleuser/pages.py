"""The pages a person sees when an assignment can't be opened: what happened, and where to go from there."""

from collections.abc import Mapping
from html import escape
from typing import Final

from jupyterhub_courses.core.sentences import language_of

_TEXTS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "en": {
        "not_released": (
            "This assignment is not there yet",
            "“{assignment}” has not been released in this course. Please try again later, or ask your teacher.",
        ),
        "exchange_unavailable": (
            "The assignment could not be fetched",
            "The course's exchange does not answer at the moment. Nothing of your work was changed. Please "
            "try again in a moment. Reference: {reference}",
        ),
        "bad_name": ("There is no such assignment", "This link does not name an assignment."),
        "not_collected": (
            "There is nothing to look at yet",
            "Nothing of “{assignment}” has been collected from {student}. Collect it in formgrader's list of "
            "assignments; if there is still nothing then, nothing has been submitted.",
        ),
        "not_autograded": (
            "This submission has not been autograded yet",
            "The submission of “{assignment}” by {student} has been collected. Autograde it in formgrader; then it "
            "can be looked at and corrected.",
        ),
        "materials_not_allowed": (
            "These materials do not belong to this course",
            "The course names other repositories. Please ask your teacher for the right link.",
        ),
    },
    "de": {
        "not_released": (
            "Diese Aufgabe gibt es noch nicht",
            "„{assignment}“ ist in diesem Kurs noch nicht freigegeben. Bitte versuchen Sie es später noch "
            "einmal oder fragen Sie Ihre Lehrperson.",
        ),
        "exchange_unavailable": (
            "Die Aufgabe konnte nicht geholt werden",
            "Der Austauschdienst des Kurses antwortet im Moment nicht. An Ihrer Arbeit wurde nichts "
            "verändert. Bitte versuchen Sie es gleich noch einmal. Referenz: {reference}",
        ),
        "bad_name": ("Diese Aufgabe gibt es nicht", "Dieser Link nennt keine Aufgabe."),
        "not_collected": (
            "Hier gibt es noch nichts anzusehen",
            "Von „{assignment}“ ist von {student} noch nichts eingesammelt. Sammeln Sie in Formgraders Liste der "
            "Aufgaben ein („Collect“); ist dann immer noch nichts da, wurde nichts abgegeben.",
        ),
        "not_autograded": (
            "Diese Abgabe ist noch nicht automatisch bewertet",
            "Die Abgabe von „{assignment}“ von {student} ist eingesammelt. Bewerten Sie sie in Formgrader automatisch "
            "(„Autograde“); danach lässt sie sich ansehen und korrigieren.",
        ),
        "materials_not_allowed": (
            "Diese Materialien gehören nicht zu diesem Kurs",
            "Der Kurs nennt andere Repositorien. Bitte lassen Sie sich von Ihrer Lehrperson den richtigen Link geben.",
        ),
    },
}
_LINKS: Final = {
    "en": {
        "again": "Try again",
        "assignments": "To the assignments in formgrader",
        "submissions": "To the submissions in formgrader",
        "course": "To the course page",
        "lab": "Open JupyterLab",
    },
    "de": {
        "again": "Noch einmal versuchen",
        "assignments": "Zu den Aufgaben in Formgrader",
        "submissions": "Zu den Abgaben in Formgrader",
        "course": "Zur Kursseite",
        "lab": "JupyterLab öffnen",
    },
}
_PAGE: Final = """<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem }}
a {{ display: inline-block; margin: .5rem 1rem 0 0 }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p><nav>{links}</nav></main></body>
</html>
"""


def page(code: str, accept_language: str | None, links: Mapping[str, str], **values: str) -> str:
    """HTML for `code`; `links` maps names of _LINKS to URLs; `values` fill the sentence, escaped."""
    language = language_of(accept_language)
    title, text = _TEXTS[language][code]
    anchors = (f'<a href="{escape(url)}">{escape(_LINKS[language][name])}</a>' for name, url in links.items())
    return _PAGE.format(
        language=language,
        title=escape(title),
        text=escape(text.format(**values)),
        links="".join(anchors),
    )
