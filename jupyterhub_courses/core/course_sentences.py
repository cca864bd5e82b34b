"""What happens to a course, in the reader's language. It is stored once, in English, as commands and the API tell it.

Whoever writes a new text beside a course adds its German here; a test holds the code to that.
"""

import re
from typing import Final

from .cluster_course_sentences import CLUSTER_GERMAN

_STATES: Final = {
    "pending": "wird gleich angelegt",
    "progressing": "wird angelegt",
    "ready": "ist bereit",
    "degraded": "hat ein Problem",
    "deleting": "wird gelöscht",
}
#: English, where `{}` stands for anything, and German with the same in the same order.
GERMAN: Final = {
    "Course made ({}).": "Kurs angelegt ({}).",
    "Set by the courses file.": "Von der Kursdatei festgelegt.",
    "The course is being deleted.": "Der Kurs wird gelöscht.",
    **{f"The course is {state}.": f"Der Kurs {german}." for state, german in _STATES.items()},
    "Participants read: {} new, {} changed, {} gone.": "Teilnehmende gelesen: {} neu, {} geändert, {} "
    "nicht mehr dabei.",
    "The hub does not answer; the course's grader user cannot be made.": "Der Hub antwortet nicht; das Konto für die "
    "Bewertenden des Kurses lässt sich nicht anlegen.",
    "An unexpected error ({}); the service's log says more.": "Ein unerwarteter Fehler ({}); im Protokoll des Dienstes "
    "steht mehr.",
    "The exchange (ngshare) does not start; its log is in {}.": "Der Austauschdienst (ngshare) startet nicht; sein "
    "Protokoll liegt in {}.",
    "The exchange (ngshare) does not take the roster ({}).": "Der Austauschdienst (ngshare) nimmt die Liste der "
    "Teilnehmenden nicht an ({}).",
    "The exchange (ngshare) does not take students ({}).": "Der Austauschdienst (ngshare) nimmt Studierende nicht an "
    "({}).",
    "The folder to start from does not exist: {}.": "Der Ordner, mit dem der Kurs beginnen soll, ist nicht da: {}.",
    "The repository to start from has no folder {}.": "Das Repositorium, mit dem der Kurs beginnen soll, hat keinen "
    "Ordner {}.",
    "The repository to start from needs the program git on this machine.": "Das Repositorium, mit dem der Kurs "
    "beginnen soll, braucht auf diesem Rechner das Programm git.",
    "The repository to start from cannot be read: {}.": "Das Repositorium, mit dem der Kurs beginnen soll, lässt sich "
    "nicht lesen: {}.",
    "The course to start from cannot be copied; its files cannot all be read.": "Der Kurs, mit dem begonnen werden "
    "soll, lässt sich nicht kopieren; nicht alle seine Dateien sind lesbar.",
    **CLUSTER_GERMAN,
}
_PATTERNS: Final = [
    (re.compile("(.+)".join(map(re.escape, english.split("{}"))), re.DOTALL), german)
    for english, german in GERMAN.items()
]


def told(text: str, language: str) -> str:
    """`text`, as an event or a course's reason has it, in `language`; as it is where there is no other.

    Of several sentences each is told by itself.
    """
    if language != "de":
        return text
    each = [_german(one) for one in re.split(r"(?<=\.) (?=[A-Z])", text)]
    if len(each) > 1 and None not in each:
        return " ".join(filter(None, each))
    return _german(text) or text


def _german(sentence: str) -> str | None:
    found = ((pattern.fullmatch(sentence), german) for pattern, german in _PATTERNS)
    return next((german.format(*match.groups()) for match, german in found if match), None)
