"""Why a score or a roster is not where it should be, for teachers: code -> sentence in English and German."""

from typing import Final

SCORE_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "not_in_lms": {
        "en": "The learning platform does not take grades for this person: they are not (or no longer) "
        "enrolled there as a student. Enrol them there and try again.",
        "de": "Die Lernplattform nimmt für diese Person keine Noten an: Sie ist dort nicht (mehr) als "
        "Student:in eingeschrieben. Bitte dort einschreiben und erneut senden.",
    },
    "refused_by_lms": {
        "en": "The learning platform refused this score without saying why. Check the person and the column "
        "there, then try again.",
        "de": "Die Lernplattform hat diese Bewertung ohne Begründung abgelehnt. Bitte Person und Spalte "
        "dort prüfen und erneut senden.",
    },
    "newer_in_lms": {
        "en": "The learning platform holds a grade with a later time than ours. We wait until ours is newer.",
        "de": "In der Lernplattform steht eine Bewertung mit späterer Zeit als unserer. Wir warten, bis "
        "unsere neuer ist.",
    },
    "overridden_in_lms": {
        "en": "The learning platform shows another grade than ours: it was changed there by hand. It stays unless you "
        "choose to send ours.",
        "de": "Die Lernplattform zeigt eine andere Note als unsere: Sie wurde dort von Hand geändert. Sie bleibt, wenn "
        "Sie nicht unsere senden lassen.",
    },
    "missing_in_lms": {
        "en": "The learning platform took the score but does not show it (yet). Look into the column's "
        "settings there if it stays so.",
        "de": "Die Lernplattform hat die Bewertung angenommen, zeigt sie aber (noch) nicht. Bitte dort die "
        "Einstellungen der Spalte prüfen, wenn es so bleibt.",
    },
    "score_not_a_number": {
        "en": "The gradebook's score is not a number, so it was not sent.",
        "de": "Die Bewertung im Notenbuch ist keine Zahl und wurde nicht gesendet.",
    },
    "score_negative": {
        "en": "The gradebook's score is below zero, so it was not sent.",
        "de": "Die Bewertung im Notenbuch ist kleiner als null und wurde nicht gesendet.",
    },
    "maximum_not_positive": {
        "en": "The assignment has no points to reach, so its scores can't be shown in the learning platform.",
        "de": "Die Aufgabe hat keine erreichbaren Punkte; die Lernplattform kann ihre Bewertungen nicht zeigen.",
    },
    "column_gone": {
        "en": "The column of this assignment was deleted in the learning platform. Nothing is sent until "
        "you ask for it; then the column is made again.",
        "de": "Die Spalte dieser Aufgabe wurde in der Lernplattform gelöscht. Es wird nichts gesendet, bis "
        "Sie es verlangen; dann wird sie neu angelegt.",
    },
    "column_refused": {
        "en": "The learning platform refused to make or change the column of this assignment.",
        "de": "Die Lernplattform hat es abgelehnt, die Spalte dieser Aufgabe anzulegen oder zu ändern.",
    },
    "no_column": {
        "en": "The learning platform has not told us where to put this assignment's grades. Open the "
        "activity there once as a teacher, and allow the tool to manage grades.",
        "de": "Die Lernplattform hat nicht mitgeteilt, wohin die Bewertungen sollen. Bitte die Aktivität "
        "dort einmal als Lehrperson öffnen und dem Werkzeug die Bewertung erlauben.",
    },
    "address_not_trusted": {
        "en": "The learning platform named an address on another host than its own, so nothing is sent "
        "there. The administrators have to look at the registration.",
        "de": "Die Lernplattform nannte eine Adresse auf einem fremden Rechner; dorthin wird nichts "
        "gesendet. Die Administration muss die Registrierung prüfen.",
    },
    "token_refused": {
        "en": "The learning platform gives us no access token. The administrators have to check the "
        "registration: client id, token address, and whether the platform can fetch our public keys. "
        "We keep trying.",
        "de": "Die Lernplattform gibt uns kein Zugriffstoken. Die Administration muss die Registrierung "
        "prüfen (Client-ID, Token-Adresse, öffentliche Schlüssel). Wir versuchen es weiter.",
    },
    "token_no_access": {
        "en": "The learning platform does not let us use this service with our token. The tool may lack the "
        "right to manage grades or see participants there. We keep trying.",
        "de": "Die Lernplattform erlaubt uns diesen Dienst nicht. Dem Werkzeug fehlt dort vielleicht das "
        "Recht auf Bewertungen oder Teilnehmer. Wir versuchen es weiter.",
    },
    "lms_unreachable": {
        "en": "The learning platform can't be reached. Nothing is lost; we keep trying.",
        "de": "Die Lernplattform ist nicht erreichbar. Nichts geht verloren; wir versuchen es weiter.",
    },
    "lms_timeout": {
        "en": "The learning platform did not answer in time. Nothing is lost; we keep trying.",
        "de": "Die Lernplattform hat nicht rechtzeitig geantwortet. Nichts geht verloren; wir versuchen es weiter.",
    },
    "lms_certificate": {
        "en": "The learning platform's certificate is not valid, so nothing is sent. Its administrators "
        "have to renew it; we keep trying.",
        "de": "Das Zertifikat der Lernplattform ist ungültig, darum wird nichts gesendet. Wir versuchen es weiter.",
    },
    "lms_busy": {
        "en": "The learning platform is busy and asked us to wait. Nothing is lost; we keep trying.",
        "de": "Die Lernplattform ist überlastet und bat um Geduld. Nichts geht verloren; wir versuchen es weiter.",
    },
    "lms_error": {
        "en": "The learning platform answered with an internal error; the grade may be locked there. We keep trying.",
        "de": "Die Lernplattform meldet einen internen Fehler; vielleicht ist die Bewertung dort gesperrt. "
        "Wir versuchen es weiter.",
    },
    "lms_nonsense": {
        "en": "Something other than the learning platform's service answered (perhaps a maintenance page). "
        "We keep trying.",
        "de": "Statt des Dienstes der Lernplattform antwortete etwas anderes (vielleicht eine "
        "Wartungsseite). Wir versuchen es weiter.",
    },
    "not_opened_yet": {
        "en": "This person has not opened the activity yet, or it takes no grades: with LTI 1.1 a grade can be sent "
        "only after they have opened it in the learning platform. It goes as soon as they do.",
        "de": "Diese Person hat die Aktivität noch nicht geöffnet, oder sie nimmt keine Noten an: Mit LTI 1.1 lässt "
        "sich eine Note erst senden, wenn sie in der Lernplattform geöffnet wurde. Danach geht sie von selbst hinaus.",
    },
    "activity_not_graded": {
        "en": "The activity is not graded in the learning platform, or it was deleted there. Switch its grade on; the "
        "score goes when you try again, or when the person opens the activity.",
        "de": "Die Aktivität wird in der Lernplattform nicht bewertet oder wurde dort gelöscht. Bitte dort die "
        "Bewertung einschalten; die Note geht, wenn Sie erneut senden oder die Person die Aktivität öffnet.",
    },
    "consumer_refused": {
        "en": "The learning platform does not accept our signature. The administrators have to check key and secret "
        "of LTI 1.1 on both sides, and the clocks. We keep trying.",
        "de": "Die Lernplattform erkennt unsere Unterschrift nicht an. Die Administration muss Schlüssel und Geheimnis "
        "von LTI 1.1 auf beiden Seiten prüfen, auch die Uhren. Wir versuchen es weiter.",
    },
    "roster_incomplete": {
        "en": "The learning platform's list of participants could not be read to its end. Nobody was changed.",
        "de": "Die Teilnehmerliste der Lernplattform ließ sich nicht vollständig lesen. Niemand wurde geändert.",
    },
    "members_only_from_lms": {
        "en": "The learning platform does not offer its list of participants for this course.",
        "de": "Die Lernplattform bietet für diesen Kurs keine Teilnehmerliste an.",
    },
}
