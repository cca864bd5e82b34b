"""The words on the pages of a registration, in English and German; merged into words.py."""

from typing import Final

REGISTRATION_WORDS: Final[dict[str, tuple[str, str]]] = {
    "registering_title": ("Connect this learning platform", "Diese Lernplattform verbinden"),
    "registering_by_hand": (
        "This link is for a learning platform: it does nothing in a browser window of its own.",
        "Dieser Link ist für eine Lernplattform gedacht: In einem eigenen Browserfenster bewirkt er nichts.",
    ),
    "registering_open": (
        "In Moodle, as its administrator: Site administration → Plugins → Activity modules → External tool → Manage "
        "tools.",
        "In Moodle, als dessen Administration: Website-Administration → Plugins → Aktivitäten → Externes Tool → Tools "
        "verwalten.",
    ),
    "registering_paste": (
        "Paste this page's address into “Tool URL…” and press “Add LTI Advantage”.",
        "Fügen Sie die Adresse dieser Seite bei „Tool-URL…“ ein und drücken Sie „LTI Advantage hinzufügen“.",
    ),
    "registering_lms": ("Learning platform", "Lernplattform"),
    "registering_name": ("Its name in this JupyterHub", "Ihr Name in diesem JupyterHub"),
    "registering_gets": ("This JupyterHub will get:", "Dieser JupyterHub bekommt:"),
    "registering_gets_people": (
        "of everybody who opens an activity: their id, name and e-mail address, the course and their role in it",
        "von allen, die eine Aktivität öffnen: Kennung, Name und E-Mail-Adresse, den Kurs und ihre Rolle darin",
    ),
    "registering_gets_roster": (
        "of courses that are used here: the list of participants",
        "von Kursen, die hier benutzt werden: die Liste der Teilnehmenden",
    ),
    "registering_gives": ("It will be able to:", "Er wird Folgendes können:"),
    "registering_gives_scores": (
        "make columns in the gradebooks of these courses, write scores into them and read these",
        "Spalten in den Bewertungen dieser Kurse anlegen, Punkte hineinschreiben und diese lesen",
    ),
    "registering_gives_choice": (
        "let teachers choose assignments and materials while they make an activity",
        "Lehrende beim Anlegen einer Aktivität Aufgaben und Materialien auswählen lassen",
    ),
    "registering_button": ("Register", "Registrieren"),
    "registering_nothing_yet": ("Nothing has been registered yet.", "Bisher ist nichts registriert."),
    "registering_said": ("In the learning platform's own words:", "In den Worten der Lernplattform:"),
    "registered_title": ("The learning platform is connected", "Die Lernplattform ist verbunden"),
    "registered_updated": ("The connection is up to date", "Die Verbindung ist auf dem neuesten Stand"),
    "registered_issuer": ("Issuer (platform ID)", "Issuer (Plattform-ID)"),
    "registered_client": ("Client ID", "Client-ID"),
    "registered_deployment": ("Deployment ID", "Deployment-ID"),
    "registered_no_deployment": ("not told", "nicht mitgeteilt"),
    "registered_deployment_hint": (
        "The learning platform did not tell its deployment id, and launches are refused without it. Please give it to "
        "the administrators of this JupyterHub.",
        "Die Lernplattform hat ihre Deployment-ID nicht mitgeteilt; ohne sie werden Aufrufe abgelehnt. Bitte nennen "
        "Sie sie der Administration dieses JupyterHubs.",
    ),
    "registered_ungranted": (
        "The learning platform has not granted everything. This does not work:",
        "Die Lernplattform hat nicht alles erlaubt. Das geht damit nicht:",
    ),
    "scope_0": ("columns of the gradebook make themselves", "Spalten der Bewertungen entstehen von selbst"),
    "scope_1": ("scores are read back", "Punkte werden zurückgelesen"),
    "scope_2": ("scores are sent", "Punkte werden übertragen"),
    "scope_3": ("participants are read", "Teilnehmende werden gelesen"),
    "registered_left": ("What is left to do in the learning platform", "Was in der Lernplattform noch zu tun ist"),
    "registered_moodle_activate": (
        "Press “Close” below. On the new card JupyterHub, press “Activate”.",
        "Drücken Sie unten „Schließen“. Auf der neuen Kachel JupyterHub drücken Sie „Aktivieren“.",
    ),
    "registered_moodle_edit": (
        "Open the settings of the card (the cog wheel, “Edit”).",
        "Öffnen Sie die Einstellungen der Kachel (das Zahnrad, „Bearbeiten“).",
    ),
    "registered_moodle_chooser": (
        "Tool configuration usage: “Show in activity chooser and as a preconfigured tool”. Otherwise teachers have to "
        "switch it on in each course (More → LTI External tools).",
        "Nutzung der Toolkonfiguration: „In der Aktivitätenauswahl und als vorkonfiguriertes Tool anzeigen“. Sonst "
        "müssen Lehrende es in jedem Kurs einschalten (Mehr → Externe LTI-Tools).",
    ),
    "registered_moodle_window": (
        "Default launch container: “New window”. Then save.",
        "Standardstartcontainer: „Neues Fenster“. Dann speichern.",
    ),
    "registered_moodle_reset": (
        "Moodle has set these two back, and what it shares with the tool (name and e-mail: always): look through them.",
        "Moodle hat diese beiden zurückgesetzt, ebenso was dem Tool mitgeteilt wird (Name und E-Mail: immer): Bitte "
        "durchsehen.",
    ),
    "registered_other": (
        "If the new tool has to be activated or made available to courses there, do that now; let it open in a new "
        "window.",
        "Wenn das neue Tool dort noch aktiviert oder für Kurse freigegeben werden muss, tun Sie das jetzt; lassen Sie "
        "es in einem neuen Fenster öffnen.",
    ),
    "registered_close": ("Close", "Schließen"),
    "link_title": ("Connect a learning platform by link", "Eine Lernplattform mit einem Link verbinden"),
    "link_text": (
        "For platforms that know LTI Advantage's dynamic registration, such as Moodle. The link works for seven days "
        "and for one registration.",
        "Für Plattformen, die die dynamische Registrierung von LTI Advantage kennen, zum Beispiel Moodle. Der Link "
        "gilt sieben Tage und für eine Registrierung.",
    ),
    "link_platform": (
        "Name of the platform (lowercase letters, digits, hyphens)",
        "Name der Plattform (Kleinbuchstaben, Ziffern, Bindestriche)",
    ),
    "link_shown": ("What people call it", "Wie man sie nennt"),
    "link_button": ("Make a link", "Link machen"),
    "link_paste": ("Paste this into the learning platform:", "Das fügen Sie in der Lernplattform ein:"),
    "link_secret": (
        "Whoever has this link may connect one learning platform. It is shown once.",
        "Wer diesen Link hat, kann eine Lernplattform verbinden. Er wird nur einmal gezeigt.",
    ),
}
