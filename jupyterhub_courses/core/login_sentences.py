"""Sentences of logins without an LMS: the page that says where to start, one-time links, the hub's own login."""

from typing import Final

LOGIN_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "login_name_odd": {
        "en": "Your name at this login cannot be used here. Please ask the administrators of this JupyterHub.",
        "de": "Ihr Name bei dieser Anmeldung ist hier nicht verwendbar. Bitte wenden Sie sich an die Administration "
        "dieses JupyterHubs.",
    },
    "login_name_reserved": {
        "en": "This name is reserved for the JupyterHub itself. Please log in with another one, or ask its "
        "administrators.",
        "de": "Dieser Name ist für den JupyterHub selbst reserviert. Bitte melden Sie sich mit einem anderen an oder "
        "wenden Sie sich an die Administration.",
    },
    "link_not_for_lms": {
        "en": "This person comes by their learning platform: a click on an activity there logs them in. Links are for "
        "administrators and for people without a learning platform.",
        "de": "Diese Person kommt über ihre Lernplattform: Ein Klick auf eine Aktivität dort meldet sie an. Links sind "
        "für die Administration und für Personen ohne Lernplattform.",
    },
    "link_not_for_system": {
        "en": "This user belongs to the system; nobody logs in as it.",
        "de": "Dieser Benutzer gehört zum System; niemand meldet sich als dieser an.",
    },
    "link_for_nobody": {
        "en": "There is no administrator of this name, and no courses file names such a person.",
        "de": "Es gibt keine Administratorin und keinen Administrator dieses Namens, und keine Kursdatei nennt eine "
        "solche Person.",
    },
    "link_form_stale": {
        "en": "This page was open for too long, or another site sent you here. Please open the link again.",
        "de": "Diese Seite war zu lange geöffnet, oder eine andere Seite hat Sie hergeschickt. Bitte öffnen Sie den "
        "Link noch einmal.",
    },
}

#: What stands on the pages. `{name}`: a hub username.
LOGIN_PAGE_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "fallback_title": {"en": "Without a learning platform", "de": "Ohne Lernplattform"},
    "link_text": {
        "en": "This link logs you in as {name}, once. If you did not ask for it, close this page.",
        "de": "Dieser Link meldet Sie einmal als {name} an. Wenn Sie ihn nicht verlangt haben, schließen Sie diese "
        "Seite.",
    },
    "link_button": {"en": "Log in as {name}", "de": "Als {name} anmelden"},
}
