"""The sentences of core/refusals.py's codes, in English and German; merged into core/sentences.py."""

from typing import Final

_AGAIN_EN = "Please click the activity in your learning platform again."
_AGAIN_DE = "Bitte klicken Sie die Aktivität in der Lernplattform noch einmal an."
_FORGED_EN = f"This launch could not be proven to come from your learning platform. {_AGAIN_EN}"
_FORGED_DE = f"Es ließ sich nicht nachweisen, dass dieser Aufruf von Ihrer Lernplattform kommt. {_AGAIN_DE}"
_ADMIN_EN = "Please tell the administrators of your learning platform the reference."
_ADMIN_DE = "Bitte nennen Sie der Administration Ihrer Lernplattform die Referenz."


def _pair(en: str, de: str) -> dict[str, str]:
    return {"en": en, "de": de}


LAUNCH_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "start_in_lms": _pair(
        "Please start from your learning platform: open your course there and click the activity that leads here.",
        "Bitte beginnen Sie in Ihrer Lernplattform: Öffnen Sie dort Ihren Kurs und klicken Sie die Aktivität an, die "
        "hierher führt.",
    ),
    "login_incomplete": _pair(
        f"The login that your learning platform began is incomplete. {_ADMIN_EN}",
        f"Die Anmeldung, die Ihre Lernplattform begonnen hat, ist unvollständig. {_ADMIN_DE}",
    ),
    "target_outside": _pair(
        f"The activity leads to an address that is not part of this JupyterHub. {_ADMIN_EN}",
        f"Die Aktivität führt zu einer Adresse außerhalb dieses JupyterHubs. {_ADMIN_DE}",
    ),
    "state_missing": _pair(
        f"Your learning platform's answer does not belong to a login that began here. {_AGAIN_EN}",
        f"Die Antwort Ihrer Lernplattform gehört zu keiner Anmeldung, die hier begonnen hat. {_AGAIN_DE}",
    ),
    "state_invalid": _pair(
        f"Your learning platform's answer does not belong to a login that began here. {_AGAIN_EN}",
        f"Die Antwort Ihrer Lernplattform gehört zu keiner Anmeldung, die hier begonnen hat. {_AGAIN_DE}",
    ),
    "state_expired": _pair(
        f"The login took longer than ten minutes. {_AGAIN_EN}",
        f"Die Anmeldung hat länger als zehn Minuten gedauert. {_AGAIN_DE}",
    ),
    "cookie_missing": _pair(
        "Your browser did not send back the cookie of this login, or it was used before. Please click the activity in "
        "your learning platform again; if this stays, let it open in a new window and allow cookies for this site.",
        "Ihr Browser hat das Cookie dieser Anmeldung nicht zurückgeschickt, oder es wurde schon benutzt. Bitte klicken "
        "Sie die Aktivität in der Lernplattform noch einmal an; wenn das bleibt, öffnen Sie sie in einem neuen "
        "Fenster und erlauben Sie Cookies für diese Seite.",
    ),
    "state_foreign": _pair(
        f"This login began in another browser. {_AGAIN_EN}",
        f"Diese Anmeldung hat in einem anderen Browser begonnen. {_AGAIN_DE}",
    ),
    "platform_refused": _pair(
        "Your learning platform did not confirm who you are. Please log in there again and click the activity once "
        "more.",
        "Ihre Lernplattform hat nicht bestätigt, wer Sie sind. Bitte melden Sie sich dort neu an und klicken Sie die "
        "Aktivität noch einmal an.",
    ),
    "token_missing": _pair(_FORGED_EN, _FORGED_DE),
    "token_too_large": _pair(
        f"Your learning platform sent more than this JupyterHub accepts. {_ADMIN_EN}",
        f"Ihre Lernplattform hat mehr geschickt, als dieser JupyterHub annimmt. {_ADMIN_DE}",
    ),
    "token_malformed": _pair(_FORGED_EN, _FORGED_DE),
    "algorithm_refused": _pair(_FORGED_EN, _FORGED_DE),
    "key_unknown": _pair(_FORGED_EN, _FORGED_DE),
    "keyset_unreachable": _pair(
        "Your learning platform's keys cannot be fetched at the moment, so its word cannot be checked. Please try "
        "again shortly.",
        "Die Schlüssel Ihrer Lernplattform sind im Moment nicht abrufbar, ihre Angaben lassen sich nicht prüfen. Bitte "
        "versuchen Sie es gleich noch einmal.",
    ),
    "signature_wrong": _pair(_FORGED_EN, _FORGED_DE),
    "issuer_wrong": _pair(_FORGED_EN, _FORGED_DE),
    "audience_wrong": _pair(_FORGED_EN, _FORGED_DE),
    "times_missing": _pair(_FORGED_EN, _FORGED_DE),
    "token_expired": _pair(
        f"This launch is too old. {_AGAIN_EN}",
        f"Dieser Aufruf ist zu alt. {_AGAIN_DE}",
    ),
    "token_from_future": _pair(
        f"The clocks of your learning platform and this JupyterHub differ too much. {_ADMIN_EN}",
        f"Die Uhren Ihrer Lernplattform und dieses JupyterHubs weichen zu stark voneinander ab. {_ADMIN_DE}",
    ),
    "nonce_wrong": _pair(_FORGED_EN, _FORGED_DE),
    "nonce_replayed": _pair(
        f"This launch was used before. {_AGAIN_EN}",
        f"Dieser Aufruf wurde schon einmal benutzt. {_AGAIN_DE}",
    ),
    "version_unknown": _pair(
        f"Your learning platform speaks a version of LTI that this JupyterHub does not know. {_ADMIN_EN}",
        f"Ihre Lernplattform spricht eine LTI-Version, die dieser JupyterHub nicht kennt. {_ADMIN_DE}",
    ),
    "message_type_not_yet": _pair(
        "Your learning platform asked for something that this JupyterHub cannot do yet. Please open the activity "
        "itself.",
        "Ihre Lernplattform hat um etwas gebeten, was dieser JupyterHub noch nicht kann. Bitte öffnen Sie die "
        "Aktivität selbst.",
    ),
    "message_type_unknown": _pair(
        f"Your learning platform asked for something that this JupyterHub does not know. {_ADMIN_EN}",
        f"Ihre Lernplattform hat um etwas gebeten, was dieser JupyterHub nicht kennt. {_ADMIN_DE}",
    ),
    "sub_missing": _pair(
        "Your learning platform did not say who you are. Please log in there and open the activity again.",
        "Ihre Lernplattform hat nicht mitgeteilt, wer Sie sind. Bitte melden Sie sich dort an und öffnen Sie die "
        "Aktivität noch einmal.",
    ),
    "sub_odd": _pair(
        f"Your learning platform's identifier for you cannot be used here. {_ADMIN_EN}",
        f"Die Kennung, die Ihre Lernplattform für Sie benutzt, ist hier nicht verwendbar. {_ADMIN_DE}",
    ),
    "context_odd": _pair(
        f"Your learning platform's identifier for this course cannot be used here. {_ADMIN_EN}",
        f"Die Kennung, die Ihre Lernplattform für diesen Kurs benutzt, ist hier nicht verwendbar. {_ADMIN_DE}",
    ),
    "resource_link_missing": _pair(
        f"Your learning platform did not say which activity was clicked. {_ADMIN_EN}",
        f"Ihre Lernplattform hat nicht mitgeteilt, welche Aktivität angeklickt wurde. {_ADMIN_DE}",
    ),
    "for_user_missing": _pair(
        f"Your learning platform did not say whose submission it wants to show. {_ADMIN_EN}",
        f"Ihre Lernplattform hat nicht mitgeteilt, wessen Abgabe sie zeigen will. {_ADMIN_DE}",
    ),
    "selection_incomplete": _pair(
        f"Your learning platform asked for a choice, but did not say where to send it. {_ADMIN_EN}",
        f"Ihre Lernplattform hat um eine Auswahl gebeten, aber nicht gesagt, wohin damit. {_ADMIN_DE}",
    ),
    "selection_of_nothing": _pair(
        f"Your learning platform does not take links to activities from this dialogue. {_ADMIN_EN}",
        f"Ihre Lernplattform nimmt in diesem Dialog keine Verknüpfungen zu Aktivitäten an. {_ADMIN_DE}",
    ),
    "lti11_off": _pair(
        f"Your learning platform launches by LTI 1.1, which is not switched on here. {_ADMIN_EN}",
        f"Ihre Lernplattform ruft mit LTI 1.1 auf, was hier nicht eingeschaltet ist. {_ADMIN_DE}",
    ),
    "form_incomplete": _pair(
        f"Your learning platform's launch is incomplete. {_ADMIN_EN}",
        f"Der Aufruf Ihrer Lernplattform ist unvollständig. {_ADMIN_DE}",
    ),
    "form_too_large": _pair(
        f"Your learning platform sent more than this JupyterHub accepts. {_ADMIN_EN}",
        f"Ihre Lernplattform hat mehr geschickt, als dieser JupyterHub annimmt. {_ADMIN_DE}",
    ),
    "consumer_unknown": _pair(
        f"This launch could not be proven to come from a learning platform that is known here. {_ADMIN_EN}",
        "Es ließ sich nicht nachweisen, dass dieser Aufruf von einer Lernplattform kommt, die hier bekannt ist. "
        f"{_ADMIN_DE}",
    ),
    "continue_spent": _pair(
        f"This button works once, and for five minutes. {_AGAIN_EN}",
        f"Dieser Knopf wirkt einmal und fünf Minuten lang. {_AGAIN_DE}",
    ),
    "continue_foreign": _pair(
        f"This login was not begun by a page of this JupyterHub. {_AGAIN_EN}",
        f"Diese Anmeldung hat keine Seite dieses JupyterHubs begonnen. {_AGAIN_DE}",
    ),
    "login_refused": _pair(
        "You may not log in to this JupyterHub. Please ask its administrators.",
        "Sie dürfen sich an diesem JupyterHub nicht anmelden. Bitte wenden Sie sich an seine Administration.",
    ),
    "server_unnamed": _pair(
        "Servers belong to courses here. Please open your course and start from there.",
        "Server gehören hier zu Kursen. Bitte öffnen Sie Ihren Kurs und beginnen Sie dort.",
    ),
    "server_misplaced": _pair(
        "Your course's server cannot be started as it is described. Please tell the administrators of this "
        "JupyterHub the reference.",
        "Der Server Ihres Kurses lässt sich so, wie er beschrieben ist, nicht starten. Bitte nennen Sie der "
        "Administration dieses JupyterHubs die Referenz.",
    ),
    "service_down": _pair(
        "The courses service does not answer at the moment. Please try again shortly; your work is safe.",
        "Der Kursdienst antwortet im Moment nicht. Bitte versuchen Sie es gleich noch einmal; Ihre Arbeit ist sicher.",
    ),
}

#: What stands on pages that refuse nothing. `{name}`: a hub username.
PAGE_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "open_window": _pair(
        "Your work opens in a window of its own: it cannot be shown inside the page of your learning platform.",
        "Ihre Arbeit öffnet sich in einem eigenen Fenster: Innerhalb der Seite Ihrer Lernplattform lässt sie sich "
        "nicht anzeigen.",
    ),
    "open_window_button": _pair("Open in a new window", "In neuem Fenster öffnen"),
    "confirm_person": _pair(
        "You will work here as {name}. If that is not you, close this window.",
        "Sie arbeiten hier als {name}. Wenn Sie das nicht sind, schließen Sie dieses Fenster.",
    ),
    "confirm_person_button": _pair("Continue as {name}", "Weiter als {name}"),
    "look_around": _pair("Your work opens …", "Ihre Arbeit wird geöffnet …"),
}
