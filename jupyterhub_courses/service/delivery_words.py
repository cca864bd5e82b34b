"""The words of the page that shows how scores stand with the LMS, in English and German."""

from typing import Final

DELIVERY_WORDS: Final[dict[str, tuple[str, str]]] = {
    "deliveries": ("Grades in the learning platform", "Noten in der Lernplattform"),
    "deliveries_intro": (
        "Every complete score is sent to the learning platform by itself, within seconds. Here you see each of them.",
        "Jede vollständige Bewertung wird innerhalb von Sekunden von selbst an die Lernplattform gesendet. Hier sehen "
        "Sie jede einzelne.",
    ),
    "no_deliveries": (
        "No score is complete yet. A score appears here when an assignment has been autograded and every cell that "
        "needs a person has its points.",
        "Noch ist keine Bewertung vollständig. Sie erscheint hier, wenn automatisch bewertet wurde und alle von Hand "
        "zu bewertenden Zellen Punkte haben.",
    ),
    "sent_at": ("Sent", "Gesendet"),
    "delivery_delivered": ("delivered", "angekommen"),
    "delivery_sending": ("is being sent", "wird gerade gesendet"),
    "delivery_waiting": ("waiting", "wartet"),
    "delivery_refused": ("refused", "abgelehnt"),
    "delivery_overridden": ("changed there", "dort geändert"),
    "delivery_missing": ("not shown there", "dort nicht zu sehen"),
    "delivery_stranger": ("stays here", "bleibt hier"),
    "delivery_ungraded": ("not graded yet", "noch nicht bewertet"),
    "stranger_why": (
        "This person did not come from the learning platform, which has no place for the score.",
        "Diese Person kam nicht aus der Lernplattform; dort ist kein Platz für die Bewertung.",
    ),
    "until": ("until", "bis"),
    "shows": ("It shows {score} of {maximum}.", "Sie zeigt {score} von {maximum}."),
    "always_ours": ("Ours is always sent.", "Unsere wird immer gesendet."),
    "always_theirs": ("The learning platform’s always stays.", "Die der Lernplattform bleibt immer."),
    "progress_none": ("There is no complete score yet.", "Noch ist keine Bewertung vollständig."),
    "progress_scores": (
        "{delivered} of {scores} scores stand in the learning platform as they stand here.",
        "{delivered} von {scores} Bewertungen stehen in der Lernplattform so wie hier.",
    ),
    "progress_sending": ("{sending} are being sent.", "{sending} werden gerade gesendet."),
    "progress_trouble": ("{trouble} need a look.", "{trouble} brauchen einen Blick."),
    "all_delivered": ("The learning platform has all of them.", "Die Lernplattform hat sie alle."),
    "retry_all": ("Send again what is missing", "Fehlendes erneut senden"),
    "retry_one": ("Send again", "Erneut senden"),
    "asked": ("It is on its way.", "Es ist unterwegs."),
    "by_assignment": ("By assignment", "Nach Aufgabe"),
    "by_assignment_caption": (
        "Assignments, and how many of their scores stand how",
        "Aufgaben, und wie viele ihrer Bewertungen wie stehen",
    ),
    "on_their_way": ("On their way", "Unterwegs"),
    "in_trouble": ("Refused or not shown", "Abgelehnt oder nicht zu sehen"),
    "shown_now": ("shown below", "unten gezeigt"),
    "students_caption": ("Students and their scores of {name}", "Studierende und ihre Bewertungen von {name}"),
    "what_to_do": ("What you can do", "Was Sie tun können"),
    "choice_title": (
        "Where the learning platform shows another grade than ours",
        "Wo die Lernplattform eine andere Note zeigt als unsere",
    ),
    "choice_keep": ("Keep the learning platform’s", "Die der Lernplattform behalten"),
    "choice_ours": ("Send ours", "Unsere senden"),
    "choice_note": (
        "This is for everybody, replaces what was chosen for single students, and stays so.",
        "Das gilt für alle, ersetzt, was für einzelne Studierende gewählt war, und bleibt so.",
    ),
    "looked_at": ("What the learning platform shows was last read:", "Zuletzt gelesen, was die Lernplattform zeigt:"),
    "rescaled": (
        "The maximum was changed from {before} to {now} here, and then in the learning platform’s column, too. Every "
        "score is sent again. A platform may also rescale grades that were typed there: look at those once.",
        "Die Höchstpunktzahl wurde hier von {before} auf {now} geändert, danach auch in der Spalte der Lernplattform. "
        "Alle Bewertungen werden neu gesendet. Manche Lernplattform rechnet auch dort eingetippte Noten um: Sehen Sie "
        "diese einmal durch.",
    ),
    "show_all": ("Everybody", "Alle"),
    "show_trouble": ("Only those that need a look", "Nur, was einen Blick braucht"),
    "no_trouble": ("Nothing of this assignment needs a look.", "Bei dieser Aufgabe braucht nichts einen Blick."),
    "pages": ("Pages", "Seiten"),
    "page_of": ("Page {page} of {pages}", "Seite {page} von {pages}"),
    "previous": ("Previous", "Zurück"),
    "next": ("Next", "Weiter"),
    "csv": ("All as a table (CSV)", "Alle als Tabelle (CSV)"),
    "changed_count": ("changed there", "dort geändert"),
}
