"""What a run of autograding apart says about itself to teachers; formgrader shows it in nbgrader's log."""

from typing import Final

AUTOGRADING_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "autograde_running": {
        "en": "The submission is being autograded.",
        "de": "Die Abgabe wird gerade automatisch bewertet.",
    },
    "autograde_many": {
        "en": "Other submissions of this course are being autograded; this one waits for its turn.",
        "de": "Gerade werden andere Abgaben dieses Kurses automatisch bewertet; diese wartet.",
    },
    "autograde_quota": {
        "en": "The course's quota is used up: there is no room to autograde now. Servers that stop make room.",
        "de": "Das Kontingent des Kurses ist ausgeschöpft: Es ist gerade kein Platz zum Bewerten. Server, die enden, "
        "machen Platz.",
    },
    "autograde_no_room": {
        "en": "The cluster has no room to autograde now.",
        "de": "Im Cluster ist gerade kein Platz zum Bewerten.",
    },
    "autograde_no_grader": {
        "en": "The graders' server of this course is not seen running; autograding starts from there.",
        "de": "Der Server der Bewertenden dieses Kurses ist nicht zu sehen; von dort aus wird bewertet.",
    },
    "autograde_image": {
        "en": "The image in which submissions are autograded cannot be pulled.",
        "de": "Das Image, in dem Abgaben bewertet werden, kann nicht geladen werden.",
    },
    "autograde_not_started": {
        "en": "The pod that autogrades does not start. Please tell the administrators.",
        "de": "Der Pod zum Bewerten startet nicht. Bitte wenden Sie sich an die Administration.",
    },
    "autograde_deadline": {
        "en": "The submission ran longer than it may, and was stopped.",
        "de": "Die Abgabe lief länger als erlaubt und wurde beendet.",
    },
    "autograde_memory": {
        "en": "The submission needed more memory than it may have, and was stopped.",
        "de": "Die Abgabe brauchte mehr Speicher als erlaubt und wurde beendet.",
    },
    "autograde_storage": {
        "en": "The submission wrote more to files than it may, and was stopped.",
        "de": "Die Abgabe hat mehr in Dateien geschrieben als erlaubt und wurde beendet.",
    },
    "autograde_evicted": {
        "en": "The cluster stopped the submission because it needed the node. Please autograde it again.",
        "de": "Der Cluster hat die Abgabe beendet, weil er den Rechner brauchte. Bitte bewerten Sie sie noch einmal.",
    },
    "autograde_crashed": {
        "en": "The submission's code ended the program that runs it.",
        "de": "Der Code der Abgabe hat das Programm beendet, das ihn ausführt.",
    },
    "autograde_here": {
        "en": "Submissions of this course are autograded in the graders' own server, not apart.",
        "de": "Abgaben dieses Kurses werden im Server der Bewertenden selbst bewertet, nicht getrennt davon.",
    },
}
