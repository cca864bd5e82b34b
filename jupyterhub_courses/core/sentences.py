"""What people read when something is refused or has to wait: one code, one sentence, in English and German.

A sentence says what happened and what to do; the reference printed beside it stands in the log too.
"""

from typing import Final

from .autograding_sentences import AUTOGRADING_SENTENCES
from .launch_sentences import LAUNCH_SENTENCES, PAGE_SENTENCES
from .login_sentences import LOGIN_PAGE_SENTENCES, LOGIN_SENTENCES
from .registration_sentences import REGISTRATION_SENTENCES
from .start_sentences import START_SENTENCES

_OWN: Final[dict[str, dict[str, str]]] = {
    "student_before_teacher": {
        "en": "Your teacher has not opened this course here yet. Please try again once they have clicked the activity "
        "in the learning platform for the first time.",
        "de": "Ihre Lehrperson hat diesen Kurs hier noch nicht geöffnet. Bitte versuchen Sie es wieder, sobald sie die "
        "Aktivität in der Lernplattform zum ersten Mal angeklickt hat.",
    },
    "course_not_set_up": {
        "en": "This course has not been set up here, and courses of your learning platform are not made by "
        "themselves. Please ask the administrators of this JupyterHub to add it.",
        "de": "Dieser Kurs ist hier nicht eingerichtet, und Kurse Ihrer Lernplattform werden nicht von selbst "
        "angelegt. Bitte wenden Sie sich an die Administration dieses JupyterHubs.",
    },
    "course_limit": {
        "en": "Your learning platform has reached the number of courses that it may make here. Please ask the "
        "administrators of this JupyterHub.",
        "de": "Ihre Lernplattform hat hier die erlaubte Anzahl Kurse erreicht. Bitte wenden Sie sich an die "
        "Administration dieses JupyterHubs.",
    },
    "course_deleting": {
        "en": "This course is being deleted. Please ask your teacher or the administrators of this JupyterHub.",
        "de": "Dieser Kurs wird gerade gelöscht. Bitte wenden Sie sich an Ihre Lehrperson oder an die Administration.",
    },
    "no_role": {
        "en": "Your learning platform did not say whether you are a student or a teacher of this course. Please ask "
        "your teacher to check that you are enrolled.",
        "de": "Ihre Lernplattform hat nicht mitgeteilt, ob Sie Student:in oder Lehrperson dieses Kurses sind. Bitte "
        "lassen Sie prüfen, ob Sie eingeschrieben sind.",
    },
    "no_context": {
        "en": "Your learning platform did not say which course this activity belongs to. It has to be opened from "
        "inside a course.",
        "de": "Ihre Lernplattform hat nicht mitgeteilt, zu welchem Kurs diese Aktivität gehört. Sie muss aus einem "
        "Kurs heraus geöffnet werden.",
    },
    "registration_unknown": {
        "en": "This JupyterHub does not know the learning platform you came from. Its administrators have to register "
        "it first.",
        "de": "Dieser JupyterHub kennt die Lernplattform nicht, von der Sie kommen. Sie muss zuerst registriert "
        "werden.",
    },
    "deployment_unknown": {
        "en": "Your learning platform is registered here, but not this deployment of it. Its administrators have to "
        "add the deployment id.",
        "de": "Ihre Lernplattform ist hier registriert, aber nicht diese Installation (deployment id).",
    },
    "teachers_only": {
        "en": "Only teachers of the course can choose what an activity opens.",
        "de": "Nur Lehrende des Kurses können auswählen, was eine Aktivität öffnet.",
    },
    "address_not_trusted": {
        "en": "Your learning platform named an address that does not belong to it. Please tell its administrators the "
        "reference.",
        "de": "Ihre Lernplattform hat eine Adresse genannt, die nicht zu ihr gehört. Bitte nennen Sie ihrer "
        "Administration die Referenz.",
    },
    "materials_not_allowed": {
        "en": "This activity opens materials that are not set for this course. Please ask your teacher.",
        "de": "Diese Aktivität öffnet Materialien, die für diesen Kurs nicht vorgesehen sind. Bitte wenden Sie sich "
        "an Ihre Lehrperson.",
    },
    "review_of_another": {
        "en": "You may look at your own submission only.",
        "de": "Sie dürfen nur Ihre eigene Abgabe ansehen.",
    },
    "review_unknown": {
        "en": "There is no submission of this person here, or the activity names no assignment.",
        "de": "Von dieser Person gibt es hier keine Abgabe, oder die Aktivität nennt keine Aufgabe.",
    },
    "selection_spent": {
        "en": "This choice was sent before, or it was left open for more than an hour. Please close this dialogue in "
        "your learning platform and open it again.",
        "de": "Diese Auswahl wurde schon gesendet oder stand länger als eine Stunde offen. Bitte schließen Sie diesen "
        "Dialog in Ihrer Lernplattform und öffnen Sie ihn noch einmal.",
    },
    "code_spent": {
        "en": "This link was used before, or it is too old. Please ask for a new one.",
        "de": "Dieser Link wurde schon benutzt oder ist abgelaufen. Bitte lassen Sie sich einen neuen geben.",
    },
    "not_a_member": {
        "en": "You are not a member of this course. Please open it from your learning platform.",
        "de": "Sie sind kein Mitglied dieses Kurses. Bitte öffnen Sie ihn aus Ihrer Lernplattform.",
    },
    "platform_unknown": {
        "en": "There is no such platform here.",
        "de": "Diese Plattform gibt es hier nicht.",
    },
    "platform_of_file": {
        "en": "This platform is set by the courses file: change it there and apply the file again.",
        "de": "Diese Plattform steht in der Kursdatei: Bitte dort ändern und die Datei erneut anwenden.",
    },
    "platform_of_config": {
        "en": "This platform is set by the hub's configuration: change it there and restart the hub.",
        "de": "Diese Plattform steht in der Konfiguration des Hubs: Bitte dort ändern und den Hub neu starten.",
    },
    "platform_clash": {
        "en": "This platform cannot stand beside one that is registered here.",
        "de": "Diese Plattform verträgt sich nicht mit einer, die hier registriert ist.",
    },
    "course_unknown": {
        "en": "There is no such course here.",
        "de": "Diesen Kurs gibt es hier nicht.",
    },
    "course_not_ready": {
        "en": "This course is just being made ready. Please try again in a moment.",
        "de": "Dieser Kurs wird gerade vorbereitet. Bitte versuchen Sie es gleich noch einmal.",
    },
    "forbidden": {
        "en": "You may not do this here.",
        "de": "Das dürfen Sie hier nicht.",
    },
    "unauthenticated": {
        "en": "Please log in first.",
        "de": "Bitte melden Sie sich zuerst an.",
    },
    "bad_request": {
        "en": "The request could not be understood.",
        "de": "Die Anfrage war nicht verständlich.",
    },
    "not_found": {
        "en": "There is nothing at this address.",
        "de": "Unter dieser Adresse gibt es nichts.",
    },
    "too_large": {
        "en": "The request is too large.",
        "de": "Die Anfrage ist zu groß.",
    },
    "starting": {
        "en": "The courses service is just starting. Please try again shortly.",
        "de": "Der Kursdienst startet gerade. Bitte versuchen Sie es gleich noch einmal.",
    },
    "hub_unreachable": {
        "en": "The hub does not answer at the moment. Please try again shortly; nothing is lost.",
        "de": "Der Hub antwortet im Moment nicht. Bitte versuchen Sie es gleich noch einmal; nichts geht verloren.",
    },
    "store_unreachable": {
        "en": "The courses service cannot reach its database at the moment. Please try again shortly; nothing is lost.",
        "de": "Der Kursdienst erreicht im Moment seine Datenbank nicht. Bitte versuchen Sie es gleich noch einmal; "
        "nichts geht verloren.",
    },
    "internal": {
        "en": "Something went wrong on our side. Nothing was lost; please try again, and tell the administrators the "
        "reference if it stays.",
        "de": "Bei uns ist etwas schiefgegangen. Nichts ging verloren; bitte versuchen Sie es noch einmal und nennen "
        "Sie der Administration die Referenz, wenn es bleibt.",
    },
    "owned_by_file": {
        "en": "This course is set by the courses file. Take it out of the file and apply the file again.",
        "de": "Dieser Kurs steht in der Kursdatei. Bitte dort entfernen und die Datei erneut anwenden.",
    },
}

SENTENCES: Final[dict[str, dict[str, str]]] = {
    **REGISTRATION_SENTENCES,
    **LAUNCH_SENTENCES,
    **PAGE_SENTENCES,
    **LOGIN_SENTENCES,
    **LOGIN_PAGE_SENTENCES,
    **AUTOGRADING_SENTENCES,
    **START_SENTENCES,
    **_OWN,
}


def sentence(code: str, language: str = "en") -> str:
    """The sentence of `code`; an unknown code or language falls back (`internal`, English)."""
    texts = SENTENCES.get(code) or SENTENCES["internal"]
    return texts.get(language) or texts["en"]


def language_of(accept: str | None) -> str:
    """`de` or `en` from an Accept-Language header (RFC 9110 12.5.4), bounded; English when in doubt."""
    best, best_weight = "en", 0.0
    for part in (accept or "")[:200].split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language not in ("en", "de"):
            continue
        try:
            weight = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            weight = 0.0
        if weight > best_weight:
            best, best_weight = language, weight
    return best
