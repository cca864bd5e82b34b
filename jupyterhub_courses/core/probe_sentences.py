"""What `platforms test` says: each step's name and each finding's sentence, in English and German."""

from typing import Final


def _pair(en: str, de: str) -> dict[str, str]:
    return {"en": en, "de": de}


STEPS: Final[dict[str, dict[str, str]]] = {
    "addresses": _pair("Addresses", "Adressen"),
    "login": _pair("Logins", "Anmeldung"),
    "redirect": _pair("Redirect address", "Redirect-Adresse"),
    "keyset": _pair("The LMS's keys", "Schlüssel der Lernplattform"),
    "clock": _pair("Clock", "Uhr"),
    "token": _pair("Access token", "Zugriffstoken"),
    "scope_lineitem": _pair("May make columns", "Darf Spalten anlegen"),
    "scope_result.readonly": _pair("May read results back", "Darf Ergebnisse lesen"),
    "scope_score": _pair("May send scores", "Darf Bewertungen senden"),
    "scope_contextmembership.readonly": _pair("May read participants", "Darf Teilnehmende lesen"),
    "deployments": _pair("Deployments", "Deployments"),
    "time": _pair("Time", "Zeit"),
}

_SERVICES_EN = (
    "In Moodle: the tool's settings, Services, “{moodle}”. In Canvas and Open edX: the services of the key or of the "
    "component."
)
_SERVICES_DE = (
    "In Moodle: Einstellungen des Tools, „Services“, „{moodle}“. In Canvas und Open edX: die Dienste des Schlüssels "
    "oder der Komponente."
)
_GRADES = "Use this service for grade sync and column management"
_MEMBERS = "Use this service to retrieve members' information as per privacy settings"


def _missing(en: str, de: str, moodle: str) -> dict[str, str]:
    return _pair(f"{en} {_SERVICES_EN.format(moodle=moodle)}", f"{de} {_SERVICES_DE.format(moodle=moodle)}")


TEXTS: Final[dict[str, dict[str, str]]] = {
    "addresses_ok": _pair("They are well-formed and safe.", "Sie sind wohlgeformt und sicher."),
    "address_malformed": _pair(
        "{name} is not an address: write it whole, from https:// on, as the LMS shows it.",
        "{name} ist keine Adresse: Bitte ganz angeben, ab https://, wie die Lernplattform sie zeigt.",
    ),
    "address_plain": _pair(
        "{name} begins with http://: on the way, anybody could put keys and tokens of their own in. Use https://.",
        "{name} beginnt mit http://: Unterwegs könnte jeder Schlüssel und Token austauschen. Bitte https:// benutzen.",
    ),
    "fault_timeout": _pair(
        "No answer in time. Can this machine reach the LMS (firewall, proxy, name)?",
        "Keine rechtzeitige Antwort. Erreicht dieser Rechner die Lernplattform (Firewall, Proxy, Name)?",
    ),
    "fault_unreachable": _pair(
        "It cannot be reached from this machine: check the address, the name and firewalls.",
        "Von diesem Rechner aus nicht erreichbar: Bitte Adresse, Namen und Firewalls prüfen.",
    ),
    "fault_certificate": _pair(
        "Its certificate is not accepted here. With a certificate authority of your own, give it to the hub and the "
        "service by SSL_CERT_FILE.",
        "Sein Zertifikat wird hier nicht anerkannt. Eine eigene Zertifizierungsstelle geben Sie Hub und Dienst mit "
        "SSL_CERT_FILE bekannt.",
    ),
    "fault_broken": _pair(
        "The connection broke off: does something other than a web server listen there?",
        "Die Verbindung brach ab: Antwortet dort etwas anderes als ein Webserver?",
    ),
    "fault_too_large": _pair(
        "The answer is too large to be what belongs there: check the address.",
        "Die Antwort ist zu groß für das, was dorthin gehört: Bitte die Adresse prüfen.",
    ),
    "keyset_ok": _pair("Reachable, with {number} usable key(s).", "Erreichbar, mit {number} brauchbaren Schlüssel(n)."),
    "keyset_status": _pair(
        "keyset_url answers {status} instead of a keyset: every launch is refused. Copy the LMS's address of public "
        "keys again (Moodle: Public keyset URL).",
        "keyset_url antwortet {status} statt mit Schlüsseln: Jeder Aufruf wird abgelehnt. Bitte die Adresse der "
        "öffentlichen Schlüssel noch einmal kopieren (Moodle: Public keyset URL).",
    ),
    "keyset_none": _pair(
        "keyset_url shows something else than a keyset: every launch is refused. Copy the LMS's address of public "
        "keys again (Moodle: Public keyset URL).",
        "keyset_url zeigt etwas anderes als Schlüssel: Jeder Aufruf wird abgelehnt. Bitte die Adresse der öffentlichen "
        "Schlüssel noch einmal kopieren (Moodle: Public keyset URL).",
    ),
    "keyset_empty": _pair(
        "The keyset holds no RSA key of 2048 bits or more for signatures: every launch is refused.",
        "Unter den Schlüsseln ist kein RSA-Schlüssel für Signaturen mit mindestens 2048 Bit: Jeder Aufruf wird "
        "abgelehnt.",
    ),
    "pasted_ok": _pair("The pasted public key can be used.", "Der eingefügte öffentliche Schlüssel ist brauchbar."),
    "pasted_unreadable": _pair(
        "The pasted public key is no RSA key of 2048 bits or more in PEM (-----BEGIN PUBLIC KEY-----): every launch is "
        "refused.",
        "Der eingefügte öffentliche Schlüssel ist kein RSA-Schlüssel mit mindestens 2048 Bit in PEM (-----BEGIN PUBLIC "
        "KEY-----): Jeder Aufruf wird abgelehnt.",
    ),
    "login_ok": _pair("The LMS takes requests there.", "Die Lernplattform nimmt dort Anfragen an."),
    "login_status": _pair(
        "authorize_url answers {status}: nobody gets in. Copy it again (Moodle: Authentication request URL).",
        "authorize_url antwortet {status}: Niemand kommt herein. Bitte noch einmal kopieren (Moodle: Authentication "
        "request URL).",
    ),
    "redirect_seen": _pair(
        "A launch has arrived at {address}.",
        "Ein Aufruf ist unter {address} angekommen.",
    ),
    "redirect_unseen": _pair(
        "No launch has arrived yet, and an LMS checks this address in a launch only: {address} has to be registered "
        "there, letter by letter. If a click ends on an error page of the LMS, it is not.",
        "Noch ist kein Aufruf angekommen, und Lernplattformen prüfen diese Adresse nur bei einem Aufruf: {address} "
        "muss dort eingetragen sein, Buchstabe für Buchstabe. Endet ein Klick auf einer Fehlerseite der Lernplattform, "
        "fehlt sie.",
    ),
    "clock_ok": _pair("It goes like ours.", "Sie geht wie unsere."),
    "clock_unknown": _pair(
        "The LMS did not tell its time.",
        "Die Lernplattform hat ihre Zeit nicht genannt.",
    ),
    "clock_ahead": _pair(
        "The LMS's clock is {seconds} s ahead of this machine's: its launches are refused from 30 s on. Set both by "
        "NTP.",
        "Die Uhr der Lernplattform geht {seconds} s vor: Ab 30 s werden ihre Aufrufe abgelehnt. Bitte beide Uhren mit "
        "NTP stellen.",
    ),
    "clock_behind": _pair(
        "The LMS's clock is {seconds} s behind this machine's: its launches are refused from 30 s on, and it may "
        "refuse our tokens. Set both by NTP.",
        "Die Uhr der Lernplattform geht {seconds} s nach: Ab 30 s werden ihre Aufrufe abgelehnt, und sie lehnt "
        "womöglich unsere Token ab. Bitte beide Uhren mit NTP stellen.",
    ),
    "token_ok": _pair("The LMS gives this hub tokens.", "Die Lernplattform gibt diesem Hub Token."),
    "token_old_key": _pair(
        "The LMS takes the hub's old key only: paste the new one there before the old one ends.",
        "Die Lernplattform nimmt nur den alten Schlüssel des Hubs: Bitte dort den neuen einfügen, bevor der alte "
        "endet.",
    ),
    "token_url_missing": _pair(
        "There is no token_url: launches work, but no score is sent and no participants are read.",
        "Es fehlt token_url: Aufrufe gehen, aber es werden keine Bewertungen gesendet und keine Teilnehmenden gelesen.",
    ),
    "token_client": _pair(
        "The LMS does not accept client id {client_id} (“{error}”): compare it with the LMS's, and the public key or "
        "keyset address that the LMS has for it with {keyset}.",
        "Die Lernplattform nimmt die Client-ID {client_id} nicht an („{error}“): Bitte mit der dortigen vergleichen, "
        "und den dort eingetragenen Schlüssel oder die Schlüsseladresse mit {keyset}.",
    ),
    "token_key": _pair(
        "The LMS knows client id {client_id}, but has another key for it than this hub's (“{error}”). Give it the "
        "keyset address {keyset}, or paste the public key anew.",
        "Die Lernplattform kennt die Client-ID {client_id}, hat dafür aber einen anderen Schlüssel als diesen Hub "
        "(„{error}“). Bitte dort die Schlüsseladresse {keyset} eintragen oder den öffentlichen Schlüssel neu einfügen.",
    ),
    "token_clock": _pair(
        "The LMS refuses our request because of its time (“{error}”): set both clocks by NTP.",
        "Die Lernplattform lehnt unsere Anfrage wegen der Uhrzeit ab („{error}“): Bitte beide Uhren mit NTP stellen.",
    ),
    "token_page": _pair(
        "The LMS answers with a page (404) instead of a token. Moodle does so when it cannot fetch this hub's keyset "
        "from {keyset}: choose RSA key there and paste the public key. Otherwise token_url is wrong.",
        "Die Lernplattform antwortet mit einer Seite (404) statt mit einem Token. Moodle tut das, wenn es die "
        "Schlüssel dieses Hubs nicht unter {keyset} abrufen kann: Bitte dort „RSA key“ wählen und den öffentlichen "
        "Schlüssel einfügen. Sonst stimmt token_url nicht.",
    ),
    "token_refused": _pair(
        "The LMS refuses a token: “{error}” ({status}).",
        "Die Lernplattform verweigert ein Token: „{error}“ ({status}).",
    ),
    "token_status": _pair(
        "token_url answers {status} without a token: copy it again (Moodle: Access token URL).",
        "token_url antwortet {status} ohne Token: Bitte noch einmal kopieren (Moodle: Access token URL).",
    ),
    "scope_granted": _pair("Granted.", "Erlaubt."),
    "missing_lineitem": _missing(
        "Not granted: assignments without an activity of their own get no column.",
        "Nicht erlaubt: Aufgaben ohne eigene Aktivität bekommen keine Spalte.",
        _GRADES,
    ),
    "missing_result.readonly": _missing(
        "Not granted: what teachers change in the LMS is not seen here.",
        "Nicht erlaubt: Was Lehrende in der Lernplattform ändern, ist hier nicht zu sehen.",
        _GRADES,
    ),
    "missing_score": _missing(
        "Not granted: no score reaches the LMS.",
        "Nicht erlaubt: Keine Bewertung kommt in der Lernplattform an.",
        _GRADES,
    ),
    "missing_contextmembership.readonly": _missing(
        "Not granted: participants appear here only once they have clicked.",
        "Nicht erlaubt: Teilnehmende erscheinen hier erst, wenn sie geklickt haben.",
        _MEMBERS,
    ),
    "deployments_ok": _pair("Launches of {deployments} are accepted.", "Aufrufe von {deployments} werden angenommen."),
    "deployments_none": _pair(
        "There is no deployment id, so every launch is refused. Add the LMS's; after a click the hub's log names the "
        "one that was refused.",
        "Es fehlt die Deployment-ID, daher wird jeder Aufruf abgelehnt. Bitte die der Lernplattform eintragen; nach "
        "einem Klick nennt das Protokoll des Hubs die abgelehnte.",
    ),
    "not_in_time": _pair(
        "The test was stopped after {seconds} s: the LMS answers too slowly.",
        "Der Test wurde nach {seconds} s beendet: Die Lernplattform antwortet zu langsam.",
    ),
}
