"""The words on the pages about learning platforms, in English and German; merged into words.py."""

from typing import Final

PLATFORM_WORDS: Final[dict[str, tuple[str, str]]] = {
    "platforms": ("Learning platforms", "Lernplattformen"),
    "platforms_none": (
        "No learning platform is connected yet, so nobody can come from one.",
        "Noch ist keine Lernplattform verbunden, von der jemand kommen könnte.",
    ),
    "platform_connect": ("Connect a learning platform", "Eine Lernplattform verbinden"),
    "platform_people": ("people", "Personen"),
    "platform_courses": ("courses", "Kurse"),
    "platform_owner_file": (
        "Set by the courses file: change it there and apply the file again.",
        "Steht in der Kursdatei: Dort ändern und die Datei erneut anwenden.",
    ),
    "platform_owner_config": (
        "Set by the hub's configuration: change it there and restart the hub.",
        "Steht in der Konfiguration des Hubs: Dort ändern und den Hub neu starten.",
    ),
    "platform_closed": (
        "It has no registration: nobody gets in from it. Its people and courses are kept.",
        "Sie hat keine Registrierung: Niemand kommt von ihr herein. Personen und Kurse sind aufgehoben.",
    ),
    "platform_creation_on": (
        "A teacher's first click makes a course.",
        "Der erste Klick einer Lehrperson legt einen Kurs an.",
    ),
    "platform_creation_listed": (
        "A teacher's first click makes a course of those that are listed.",
        "Der erste Klick einer Lehrperson legt einen der aufgeführten Kurse an.",
    ),
    "platform_creation_off": ("Clicks make no courses.", "Klicks legen keine Kurse an."),
    "platform_lti11": ("LTI 1.1: no test", "LTI 1.1: ohne Test"),
    "platform_no_deployment": (
        "no deployment id: every launch is refused",
        "keine Deployment-ID: Jeder Aufruf wird abgelehnt",
    ),
    "platform_pasted": ("pasted", "eingefügt"),
    "platform_test": ("Test", "Testen"),
    "platform_testing": ("Testing, up to 30 seconds …", "Wird getestet, bis zu 30 Sekunden …"),
    "platform_tested": ("Tested:", "Getestet:"),
    "platform_right": ("nothing is wrong", "nichts zu beanstanden"),
    "platform_wrong": ("something is wrong", "etwas stimmt nicht"),
    "platform_untested": ("Not tested since the service started.", "Seit dem Start des Dienstes nicht getestet."),
    "step_ok": ("right", "stimmt"),
    "step_wrong": ("wrong", "falsch"),
    "step_look": ("please look", "bitte nachsehen"),
    "platform_remove": ("Remove", "Entfernen"),
    "platform_remove_sure": (
        "Remove this learning platform? Nobody gets in from it any more; its people and courses are kept.",
        "Diese Lernplattform entfernen? Niemand kommt mehr von ihr herein; Personen und Kurse bleiben erhalten.",
    ),
    "field_issuer": ("Issuer", "Issuer"),
    "field_client_id": ("Client ID", "Client-ID"),
    "field_deployment_ids": ("Deployment IDs", "Deployment-IDs"),
    "field_authorize_url": ("Login address", "Adresse für Anmeldungen"),
    "field_token_url": ("Access token address", "Adresse für Zugriffstoken"),
    "field_keyset_url": ("Keyset address", "Adresse der Schlüssel"),
    "field_public_key": ("Public key", "Öffentlicher Schlüssel"),
    "connect_intro": (
        "Two halves: first the learning platform is told about this hub, then this hub about the learning platform. "
        "Every value stands here, ready to copy.",
        "Zwei Hälften: Zuerst erfährt die Lernplattform von diesem Hub, dann der Hub von der Lernplattform. Alle Werte "
        "stehen hier zum Kopieren.",
    ),
    "connect_link": ("Moodle by a link (quickest)", "Moodle über einen Link (am schnellsten)"),
    "connect_link_text": (
        "Make a link, paste it into Moodle's “Tool URL…”, press “Add LTI Advantage”: both halves are done. You need to "
        "be an administrator there.",
        "Link erzeugen, in Moodle bei „Tool-URL…“ einfügen, „LTI Advantage hinzufügen“ drücken: Beide Hälften sind "
        "erledigt. Dazu muss man dort Administrator:in sein.",
    ),
    "connect_link_button": ("Make a registration link", "Registrierungslink erzeugen"),
    "connect_moodle": ("Moodle by hand", "Moodle von Hand"),
    "connect_moodle_where": (
        "Site administration → Plugins → Activity modules → External tool → Manage tools → configure a tool manually",
        "Website-Administration → Plugins → Aktivitäten → Externes Tool → Tools verwalten → Tool manuell konfigurieren",
    ),
    "connect_openedx": ("Open edX", "Open edX"),
    "connect_openedx_where": (
        "Studio: in a unit, add an LTI Consumer component and edit it. Each component has a client ID of its own: "
        "add each of them to the same platform here.",
        "Studio: in einer Lerneinheit eine Komponente „LTI Consumer“ anlegen und bearbeiten. Jede Komponente hat ihre "
        "eigene Client-ID: Fügen Sie hier jede derselben Plattform hinzu.",
    ),
    "connect_canvas": ("Canvas", "Canvas"),
    "connect_canvas_where": (
        "Admin → Developer Keys → + Developer Key → + LTI Key. With “Enter URL” the first two values are all; the "
        "others are for “Manual Entry”. Switch the key on, then add it in Settings → Apps by its client ID; the app's "
        "menu there shows the deployment ID.",
        "Admin → Developer Keys → + Developer Key → + LTI Key. Mit „Enter URL“ genügen die ersten beiden Werte; die "
        "übrigen sind für „Manual Entry“. Den Schlüssel einschalten und unter Settings → Apps mit seiner Client-ID "
        "hinzufügen; das Menü der App dort zeigt die Deployment-ID.",
    ),
    "connect_canvas_many": (
        "Every Canvas institution has the same issuer and addresses; only the token address is its own. They are told "
        "apart by client ID or, where a developer key is inherited, by deployment ID: give each institution a "
        "platform.",
        "Alle Canvas-Institutionen haben denselben Issuer und dieselben Adressen; nur die Token-Adresse ist ihre "
        "eigene. Sie unterscheiden sich durch die Client-ID oder, bei einem geerbten Schlüssel, durch die "
        "Deployment-ID: Geben Sie jeder Institution eine Plattform.",
    ),
    "connect_values": ("What the learning platform has to be told", "Was die Lernplattform erfahren muss"),
    "connect_answer": (
        "What the learning platform shows in return",
        "Was die Lernplattform im Gegenzug zeigt",
    ),
    "connect_name": (
        "Name here: a lowercase letter first, then letters, digits, hyphens",
        "Name hier: zuerst ein Kleinbuchstabe, dann Buchstaben, Ziffern, Bindestriche",
    ),
    "connect_title": ("As people call it (optional)", "Wie sie genannt wird (freiwillig)"),
    "connect_deployments": (
        "Separated by spaces. Without any, every launch is refused; the hub's log then names the one to add.",
        "Durch Leerzeichen getrennt. Ohne wird jeder Aufruf abgelehnt; das Protokoll des Hubs nennt dann die fehlende.",
    ),
    "connect_key": (
        "or its public key (PEM), where it has no keyset address",
        "oder ihr öffentlicher Schlüssel (PEM), wenn es keine Adresse dafür gibt",
    ),
    "connect_creation": (
        "A teacher's first click may make a course",
        "Der erste Klick einer Lehrperson darf einen Kurs anlegen",
    ),
    "connect_button": ("Connect and test", "Verbinden und testen"),
    "connect_other": ("Any other LTI 1.3 platform", "Jede andere Plattform mit LTI 1.3"),
    "connect_custom": ("Custom parameters, for each activity", "Benutzerdefinierte Parameter, je Aktivität"),
    "connect_custom_text": (
        "Whoever picks the content in the platform's own dialogue (Deep Linking) needs none.",
        "Wer den Inhalt im Auswahldialog der Plattform wählt (Deep Linking), braucht keine.",
    ),
    "copy": ("Copy", "Kopieren"),
    "copied": ("Copied", "Kopiert"),
}
