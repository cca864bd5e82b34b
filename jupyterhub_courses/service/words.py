"""The words on the pages, in English and German. A page asks for `w.name`; a missing word is an error in the tests."""

from typing import Final

from ..core.course_sentences import told
from ..core.score_sentences import SCORE_SENTENCES
from .delivery_words import DELIVERY_WORDS
from .platform_words import PLATFORM_WORDS
from .registration_words import REGISTRATION_WORDS

WORDS: Final[dict[str, tuple[str, str]]] = {
    "my_courses": ("My courses", "Meine Kurse"),
    "no_courses": (
        "You are not in any course here yet. Open an activity of your course in your learning platform: "
        "that brings you here and makes you a member.",
        "Sie sind hier noch in keinem Kurs. Öffnen Sie in Ihrer Lernplattform eine Aktivität Ihres Kurses: "
        "Damit kommen Sie hierher und werden Mitglied.",
    ),
    "no_courses_admin": (
        "There is no course here yet. Connect a learning platform: a teacher's first click there makes the course. "
        "Or write a courses file and apply it.",
        "Hier gibt es noch keinen Kurs. Verbinden Sie eine Lernplattform: Der erste Klick einer Lehrperson dort legt "
        "den Kurs an. Oder schreiben Sie eine Kursdatei und wenden Sie sie an.",
    ),
    "course": ("Course", "Kurs"),
    "assignments": ("Assignments", "Aufgaben"),
    "assignment": ("Assignment", "Aufgabe"),
    "due": ("Due", "Abgabe bis"),
    "no_due": ("no due date", "kein Abgabetermin"),
    "your_score": ("Your score", "Ihre Punkte"),
    "not_graded": ("not graded yet", "noch nicht bewertet"),
    "in_lms": ("In the learning platform", "In der Lernplattform"),
    "open": ("Open", "Öffnen"),
    "open_course": ("Open my workspace", "Meine Arbeitsumgebung öffnen"),
    "no_assignments": (
        "No assignment has been released yet. They appear here as soon as your teacher releases them.",
        "Noch ist keine Aufgabe freigegeben. Aufgaben erscheinen hier, sobald Ihre Lehrperson sie freigibt.",
    ),
    "how_to_submit": (
        "Submit in the menu of your notebook: Nbgrader → Assignment List. Your score appears here when it is complete.",
        "Abgegeben wird im Menü Ihres Notebooks: Nbgrader → Assignment List. Ihre Punkte erscheinen hier, sobald die "
        "Bewertung vollständig ist.",
    ),
    "no_assignments_teacher": (
        "No assignment is generated yet. Open formgrader: generate and release one that is listed there, or press “Add "
        "new assignment” and write its notebook first.",
        "Noch ist keine Aufgabe erzeugt. Öffnen Sie Formgrader: Erzeugen („Generate“) und geben Sie eine frei "
        "(„Release“), die dort steht, oder legen Sie mit „Add new assignment“ eine an und schreiben Sie zuerst ihr "
        "Notebook.",
    ),
    "formgrader": ("Open formgrader", "Formgrader öffnen"),
    "formgrader_hint": (
        "Assignments are made, released, collected and graded in formgrader. Nothing has to be sent from there: a "
        "score goes to the learning platform as soon as it is complete.",
        "Aufgaben werden in Formgrader angelegt, freigegeben, eingesammelt und bewertet. Zu senden ist dort nichts: "
        "Punkte gehen an die Lernplattform, sobald die Bewertung vollständig ist.",
    ),
    "formgrader_hint_alone": (
        "Assignments are made, released, collected and graded in formgrader.",
        "Aufgaben werden in Formgrader angelegt, freigegeben, eingesammelt und bewertet.",
    ),
    "complete_scores": ("Complete scores", "Vollständig bewertet"),
    "grade": ("Grade", "Bewerten"),
    "students": ("Students", "Studierende"),
    "staff": ("Teachers and assistants", "Lehrende und Assistenz"),
    "roster": ("Participants", "Teilnehmende"),
    "roster_sync": ("Read participants from the learning platform", "Teilnehmende aus der Lernplattform lesen"),
    "roster_never": ("Not read from the learning platform yet.", "Noch nicht aus der Lernplattform gelesen."),
    "roster_at": ("Last read from the learning platform:", "Zuletzt aus der Lernplattform gelesen:"),
    "roster_note": (
        "Roles of people who have not been here yet are those of the learning platform's list. Some platforms list "
        "assistants as students; that is put right when they first open an activity.",
        "Wer noch nicht hier war, hat die Rolle aus der Liste der Lernplattform. Manche Plattformen führen Assistenzen "
        "dort als Studierende; das ändert sich, sobald sie das erste Mal eine Aktivität öffnen.",
    ),
    "roster_failed": ("The last try failed:", "Der letzte Versuch schlug fehl:"),
    "name": ("Name", "Name"),
    "username": ("Username", "Benutzername"),
    "role": ("Role", "Rolle"),
    "role_student": ("student", "Student:in"),
    "role_grader": ("assistant", "Assistenz"),
    "role_instructor": ("teacher", "Lehrperson"),
    "inactive": ("no longer in the course", "nicht mehr im Kurs"),
    "score": ("Score", "Punkte"),
    "state": ("State", "Stand"),
    "delivered_count": ("delivered", "angekommen"),
    "waiting_count": ("on their way", "unterwegs"),
    "refused_count": ("refused", "abgelehnt"),
    "no_lms": (
        "This course is not connected to a learning platform, so its scores stay here.",
        "Dieser Kurs ist mit keiner Lernplattform verbunden; die Bewertungen bleiben hier.",
    ),
    "overview": ("At a glance", "Auf einen Blick"),
    "state_pending": ("about to be made", "wird gleich angelegt"),
    "state_progressing": ("being made", "wird angelegt"),
    "state_ready": ("ready", "bereit"),
    "state_degraded": ("something is wrong", "es gibt ein Problem"),
    "state_deleting": ("being deleted", "wird gelöscht"),
    "events": ("What happened", "Was geschah"),
    "making_title": ("Your course is being made ready", "Ihr Kurs wird vorbereitet"),
    "making_text": (
        "This takes a few seconds the first time. The page goes on by itself.",
        "Das dauert beim ersten Mal einige Sekunden. Die Seite geht von selbst weiter.",
    ),
    "refused_title": ("This did not work", "Das hat nicht geklappt"),
    "reference": ("Reference", "Referenz"),
    "back": ("Back to my courses", "Zurück zu meinen Kursen"),
    "back_course": ("Back to the course", "Zurück zum Kurs"),
    "logged_in_as": ("Logged in as", "Angemeldet als"),
    "new_tab": ("opens in a new tab", "öffnet in einem neuen Tab"),
    "pick_title": ("What should this activity open?", "Was soll diese Aktivität öffnen?"),
    "pick_titles": ("What should the activities open?", "Was sollen die Aktivitäten öffnen?"),
    "pick_intro": (
        "Choose one. A click on the activity then goes straight there.",
        "Wählen Sie eines aus. Ein Klick auf die Aktivität führt dann direkt dorthin.",
    ),
    "pick_intro_many": (
        "Choose one or several: each becomes an activity, and a click on it goes straight there.",
        "Wählen Sie eines oder mehrere aus: Jedes wird zu einer Aktivität, und ein Klick darauf führt direkt dorthin.",
    ),
    "pick_column": (
        "With a column in the gradebook, which the scores go to by themselves.",
        "Mit einer Spalte in den Bewertungen, in die die Punkte von selbst kommen.",
    ),
    "pick_released": ("released", "freigegeben"),
    "pick_unreleased": (
        "not released yet: students can open it once you release it in formgrader",
        "noch nicht freigegeben: Studierende können sie öffnen, sobald Sie sie in Formgrader freigeben",
    ),
    "pick_points": ("points", "Punkte"),
    "pick_rescaled": ("shown out of 100 in the gradebook", "in den Bewertungen auf 100 umgerechnet"),
    "pick_linked": (
        "An activity opens this already, and scores go to its column. A second one opens it as well, but its column "
        "stays empty.",
        "Eine Aktivität öffnet dies schon, und die Punkte gehen in deren Spalte. Eine zweite öffnet es ebenfalls, ihre "
        "Spalte bleibt aber leer.",
    ),
    "pick_unnameable_assignment": (
        "This name cannot be linked. Letters, digits, dots, hyphens and underscores can be.",
        "Dieser Name lässt sich nicht verknüpfen. Möglich sind Buchstaben ohne Umlaute, Ziffern, Punkt, Binde- und "
        "Unterstrich.",
    ),
    "pick_unnameable_materials": (
        "The address of these materials is too long for a link.",
        "Die Adresse dieser Materialien ist für eine Verknüpfung zu lang.",
    ),
    "pick_materials": ("Materials", "Materialien"),
    "pick_path": ("Notebook or folder in it (optional)", "Notebook oder Ordner darin (freiwillig)"),
    "pick_course": ("The course's page", "Die Kursseite"),
    "pick_course_text": (
        "Everybody's way in: students see what is released, due dates and their own scores, teachers formgrader.",
        "Für alle der Weg hinein: Studierende sehen, was freigegeben ist, Abgabetermine und ihre eigenen Punkte, "
        "Lehrende Formgrader.",
    ),
    "pick_none_yet": (
        "There is no assignment yet. Make one in formgrader (“Add new assignment”) and come back here; formgrader is "
        "on the course's page, which you can choose now.",
        "Es gibt noch keine Aufgabe. Legen Sie in Formgrader eine an („Add new assignment“) und kommen Sie dann "
        "wieder; zu Formgrader führt die Kursseite, die Sie jetzt schon wählen können.",
    ),
    "pick_making": (
        "Your course is just being made ready. Its assignments appear here by themselves.",
        "Ihr Kurs wird gerade vorbereitet. Seine Aufgaben erscheinen hier von selbst.",
    ),
    "pick_look_again": ("Look again", "Noch einmal nachsehen"),
    "pick_send": ("Choose", "Übernehmen"),
    "pick_cancel": ("Cancel", "Abbrechen"),
    "pick_nothing": ("Please choose something first.", "Bitte wählen Sie zuerst etwas aus."),
    "pick_one": ("Please choose one only.", "Bitte wählen Sie nur eines aus."),
    "pick_too_many": (
        "Please choose fewer at a time: at most 50.",
        "Bitte wählen Sie weniger auf einmal aus: höchstens 50.",
    ),
    "pick_gone": (
        "Something that you chose is no longer there. Please choose again.",
        "Etwas von dem, was Sie ausgewählt haben, gibt es nicht mehr. Bitte wählen Sie noch einmal.",
    ),
    "pick_path_wrong": (
        "This is no path inside the repository. Write it like courses/week1.ipynb.",
        "Das ist kein Pfad im Repositorium. Schreiben Sie ihn wie courses/week1.ipynb.",
    ),
    "sending_title": ("Your choice goes to the learning platform", "Ihre Auswahl geht an die Lernplattform"),
    "sending_nothing": ("Back to the learning platform", "Zurück zur Lernplattform"),
    "sending_text": (
        "It goes on by itself. If it does not, press the button.",
        "Es geht von selbst weiter. Wenn nicht, drücken Sie den Knopf.",
    ),
    "sending_button": ("Go on", "Weiter"),
    "yes": ("yes", "ja"),
    "not_yet": ("not yet", "noch nicht"),
    "skip": ("Skip to the content", "Zum Inhalt springen"),
    **DELIVERY_WORDS,
    **REGISTRATION_WORDS,
    **PLATFORM_WORDS,
}


class Words:
    """The words of one language; `w.due`, and `w.why(code)` for the reason of a delivery's state."""

    def __init__(self, language: str) -> None:
        self._index = 1 if language == "de" else 0
        self._language = language

    def __getattr__(self, name: str) -> str:
        try:
            return WORDS[name][self._index]
        except KeyError:
            raise AttributeError(name) from None

    def of(self, prefix: str, value: str) -> str:
        """`of("state_", "sent")`"""
        return WORDS[prefix + value][self._index]

    def why(self, code: str) -> str:
        """The sentence of a delivery's reason code; empty for none."""
        texts = SCORE_SENTENCES.get(code, {})
        return texts.get(self._language) or texts.get("en") or code

    def told(self, text: str) -> str:
        """An event of a course, or the reason of its state."""
        return told(text, self._language)


def words_in(language: str) -> Words:
    """The words of `language`."""
    return Words(language)
