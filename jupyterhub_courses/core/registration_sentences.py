"""What an LMS's administrators read when a registration does not work, in English and German; merged into
core/sentences.py."""

from typing import Final

_NEW_EN = "Please ask the administrators of this JupyterHub for a new registration link."
_NEW_DE = "Bitte lassen Sie sich von der Administration dieses JupyterHubs einen neuen Registrierungslink geben."
_AGAIN_EN = "The link stays good: please close this and paste it into the learning platform again."
_AGAIN_DE = "Der Link bleibt gültig: Bitte schließen Sie dies und fügen Sie ihn in der Lernplattform noch einmal ein."
_TELL_EN = "Please tell the administrators of this JupyterHub the reference."
_TELL_DE = "Bitte nennen Sie der Administration dieses JupyterHubs die Referenz."
_NOTHING_EN, _NOTHING_DE = "Nothing was registered.", "Es wurde nichts registriert."


def _pair(en: str, de: str) -> dict[str, str]:
    return {"en": en, "de": de}


_REJECTED = _pair(
    f"The learning platform does not accept what this JupyterHub says about itself. {_NOTHING_EN} {_TELL_EN}",
    f"Die Lernplattform nimmt nicht an, was dieser JupyterHub über sich angibt. {_NOTHING_DE} {_TELL_DE}",
)
_ADDRESS = _pair(
    "The learning platform does not accept this JupyterHub's address: it must be the one that browsers use. "
    f"{_NOTHING_EN} The administrators of this JupyterHub have to set its public address.",
    "Die Lernplattform nimmt die Adresse dieses JupyterHubs nicht an: Es muss die sein, die Browser benutzen. "
    f"{_NOTHING_DE} Die Administration dieses JupyterHubs muss dessen öffentliche Adresse einstellen.",
)

REGISTRATION_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "registration_link_unknown": _pair(
        f"This registration link was used already, is too old, or was never given out. {_NEW_EN}",
        f"Dieser Registrierungslink wurde schon benutzt, ist zu alt oder wurde nie ausgegeben. {_NEW_DE}",
    ),
    "registration_address_wrong": _pair(
        f"The learning platform has not said where its configuration is. {_NOTHING_EN} {_AGAIN_EN}",
        f"Die Lernplattform hat nicht gesagt, wo ihre Konfiguration liegt. {_NOTHING_DE} {_AGAIN_DE}",
    ),
    "registration_unreachable": _pair(
        "This JupyterHub cannot reach the learning platform, or gets no answer in time. A firewall between the two may "
        f"be the reason. {_NOTHING_EN} {_AGAIN_EN}",
        "Dieser JupyterHub erreicht die Lernplattform nicht oder bekommt nicht rechtzeitig Antwort. Vielleicht liegt "
        f"es an einer Firewall dazwischen. {_NOTHING_DE} {_AGAIN_DE}",
    ),
    "registration_certificate": _pair(
        "The learning platform's certificate is not trusted by this JupyterHub. "
        f"{_NOTHING_EN} Its administrators have to add the certificate authority.",
        "Dieser JupyterHub vertraut dem Zertifikat der Lernplattform nicht. "
        f"{_NOTHING_DE} Seine Administration muss die Zertifizierungsstelle hinzufügen.",
    ),
    "registration_in_doubt": _pair(
        "The learning platform did not answer the registration in time, and may have made an entry all the same. Look "
        "into its list of tools: delete the new entry, or paste this same link again and choose to update it.",
        "Die Lernplattform hat auf die Registrierung nicht rechtzeitig geantwortet und vielleicht trotzdem einen "
        "Eintrag angelegt. Sehen Sie in ihre Liste der Tools: Löschen Sie den neuen Eintrag, oder fügen Sie denselben "
        "Link noch einmal ein und wählen Sie „Aktualisieren“.",
    ),
    "registration_config_unusable": _pair(
        "What the learning platform says about itself is not a configuration of LTI Advantage. "
        f"{_NOTHING_EN} It has to be connected by hand.",
        "Was die Lernplattform über sich angibt, ist keine Konfiguration von LTI Advantage. "
        f"{_NOTHING_DE} Sie muss von Hand verbunden werden.",
    ),
    "registration_foreign_addresses": _pair(
        "The learning platform names addresses on other hosts than its own, so its word cannot be trusted here. "
        f"{_NOTHING_EN} It has to be connected by hand.",
        "Die Lernplattform nennt Adressen auf anderen Rechnern als ihrem eigenen; darauf verlässt sich dieser "
        f"JupyterHub nicht. {_NOTHING_DE} Sie muss von Hand verbunden werden.",
    ),
    "registration_owned_by_file": _pair(
        "This platform is set by the administrators' own file or configuration of this JupyterHub, so no link changes "
        f"it. {_NOTHING_EN} The values go into that file.",
        "Diese Plattform ist durch eine Datei oder die Konfiguration dieses JupyterHubs festgelegt; kein Link ändert "
        f"sie. {_NOTHING_DE} Die Werte gehören in diese Datei.",
    ),
    "registration_other_lms": _pair(
        f"This link was made for another learning platform than this one. {_NOTHING_EN} {_NEW_EN}",
        f"Dieser Link wurde für eine andere Lernplattform gemacht. {_NOTHING_DE} {_NEW_DE}",
    ),
    "registration_other_platform": _pair(
        "The entry that you chose to update belongs to another platform of this JupyterHub than this link. Nothing was "
        f"changed. {_NEW_EN}",
        "Der Eintrag, den Sie aktualisieren wollten, gehört zu einer anderen Plattform dieses JupyterHubs als dieser "
        f"Link. Es wurde nichts geändert. {_NEW_DE}",
    ),
    "registration_token_used": _pair(
        "The learning platform has already made an entry in this window, but this JupyterHub has not kept it. Paste "
        "this same link again and choose to update that entry; or delete the entry and register anew.",
        "Die Lernplattform hat in diesem Fenster schon einen Eintrag angelegt, aber dieser JupyterHub hat ihn nicht "
        "behalten. Fügen Sie denselben Link noch einmal ein und wählen Sie „Aktualisieren“; oder löschen Sie den "
        "Eintrag und registrieren Sie neu.",
    ),
    "registration_token_missing": _pair(
        f"The learning platform did not hand over its permission to register. {_NOTHING_EN} {_AGAIN_EN}",
        f"Die Lernplattform hat keine Erlaubnis zum Registrieren mitgegeben. {_NOTHING_DE} {_AGAIN_DE}",
    ),
    "registration_token_refused": _pair(
        "The learning platform refuses the permission that it gave for this window; it lasts an hour at most. "
        f"{_NOTHING_EN} {_AGAIN_EN}",
        "Die Lernplattform erkennt die Erlaubnis nicht mehr an, die sie diesem Fenster gab; sie gilt höchstens eine "
        f"Stunde. {_NOTHING_DE} {_AGAIN_DE}",
    ),
    "registration_client_gone": _pair(
        "The entry that you chose to update is not there any more in the learning platform. Nothing was changed. "
        "Please paste the link again and register as a new tool.",
        "Den Eintrag, den Sie aktualisieren wollten, gibt es in der Lernplattform nicht mehr. Es wurde nichts "
        "geändert. Bitte fügen Sie den Link noch einmal ein und registrieren Sie ein neues Tool.",
    ),
    "registration_unsupported": _pair(
        f"The learning platform does not support this way to register. {_NOTHING_EN} It has to be connected by hand.",
        "Die Lernplattform unterstützt diese Art der Registrierung nicht. "
        f"{_NOTHING_DE} Sie muss von Hand verbunden werden.",
    ),
    "registration_field_missing": _REJECTED,
    "registration_field_wrong": _REJECTED,
    "registration_redirects_refused": _ADDRESS,
    "registration_domain_missing": _ADDRESS,
    "registration_domain_differs": _ADDRESS,
    "registration_lms_page": _pair(
        "The learning platform answered with an error page: the permission of this window may be over (it lasts an "
        f"hour), or it could not store the entry. {_NOTHING_EN} {_AGAIN_EN}",
        "Die Lernplattform hat mit einer Fehlerseite geantwortet: Die Erlaubnis dieses Fensters ist vielleicht "
        f"abgelaufen (sie gilt eine Stunde), oder sie konnte den Eintrag nicht speichern. {_NOTHING_DE} {_AGAIN_DE}",
    ),
    "registration_lms_error": _pair(
        f"The learning platform answered with an error of its own. {_NOTHING_EN} {_AGAIN_EN}",
        f"Die Lernplattform hat mit einem eigenen Fehler geantwortet. {_NOTHING_DE} {_AGAIN_DE}",
    ),
    "registration_answer_unusable": _pair(
        "The learning platform may have made an entry, but did not answer which. Look into its list of tools: delete "
        "the new entry, or enter its values here by hand.",
        "Die Lernplattform hat vielleicht einen Eintrag angelegt, aber nicht gesagt, welchen. Sehen Sie in ihre Liste "
        "der Tools: Löschen Sie den neuen Eintrag, oder tragen Sie seine Werte hier von Hand ein.",
    ),
}
