"""The sentences of servers that do not start on a cluster, in English and German; merged into core/sentences.py."""

from typing import Final

_TELL_EN = "Please tell the administrators of this JupyterHub the reference."
_TELL_DE = "Bitte nennen Sie der Administration dieses JupyterHubs die Referenz."
_AGAIN_EN = "Please try again in a few minutes; your work is safe."
_AGAIN_DE = "Bitte versuchen Sie es in ein paar Minuten noch einmal; Ihre Arbeit ist sicher."

START_SENTENCES: Final[dict[str, dict[str, str]]] = {
    "quota_used_up": {
        "en": "Your course's quota is used up: too many of its servers are running. Please try again when some have "
        "ended, or ask your teacher.",
        "de": "Das Kontingent Ihres Kurses ist ausgeschöpft: Zu viele seiner Server laufen gerade. Bitte versuchen Sie "
        "es wieder, wenn einige beendet sind, oder fragen Sie Ihre Lehrperson.",
    },
    "image_unavailable": {
        "en": f"The image that your course's servers run cannot be pulled. {_TELL_EN}",
        "de": f"Das Image, das die Server Ihres Kurses verwenden, lässt sich nicht laden. {_TELL_DE}",
    },
    "no_room": {
        "en": f"There is no room for your server at the moment. {_AGAIN_EN}",
        "de": f"Für Ihren Server ist im Moment kein Platz. {_AGAIN_DE}",
    },
    "home_unavailable": {
        "en": f"The volume with your work cannot be attached at the moment. {_TELL_EN}",
        "de": f"Der Datenträger mit Ihrer Arbeit lässt sich im Moment nicht anschließen. {_TELL_DE}",
    },
    "course_place_missing": {
        "en": f"Your course's place on the cluster is missing at the moment; it is made again by itself. {_AGAIN_EN}",
        "de": "Der Platz Ihres Kurses auf dem Cluster fehlt im Moment; er wird von selbst wieder angelegt. "
        f"{_AGAIN_DE}",
    },
    "hub_right_missing": {
        "en": f"This JupyterHub lacks a right that it needs to start your server. {_TELL_EN}",
        "de": f"Diesem JupyterHub fehlt ein Recht, das er zum Starten Ihres Servers braucht. {_TELL_DE}",
    },
    "pod_refused": {
        "en": f"The cluster refuses to run your course's server as it is described. {_TELL_EN}",
        "de": f"Der Cluster lehnt den Server Ihres Kurses so, wie er beschrieben ist, ab. {_TELL_DE}",
    },
    "pod_misconfigured": {
        "en": f"Your course's server needs something that is missing on the cluster. {_TELL_EN}",
        "de": f"Dem Server Ihres Kurses fehlt etwas auf dem Cluster. {_TELL_DE}",
    },
    "cluster_away": {
        "en": f"The cluster does not answer at the moment. {_AGAIN_EN}",
        "de": f"Der Cluster antwortet im Moment nicht. {_AGAIN_DE}",
    },
    "server_taken_away": {
        "en": f"Your server was ended by the cluster while it was starting. {_AGAIN_EN}",
        "de": f"Der Cluster hat Ihren Server beendet, während er startete. {_AGAIN_DE}",
    },
    "server_crashes": {
        "en": f"Your server ends again as soon as it starts. {_TELL_EN}",
        "de": f"Ihr Server beendet sich gleich nach dem Start. {_TELL_DE}",
    },
    "server_out_of_memory": {
        "en": f"Your server needs more memory than your course allows. {_TELL_EN}",
        "de": f"Ihr Server braucht mehr Speicher, als Ihr Kurs erlaubt. {_TELL_DE}",
    },
    "server_slow": {
        "en": f"Your server takes longer to start than it may. {_AGAIN_EN}",
        "de": f"Ihr Server braucht zum Starten länger, als er darf. {_AGAIN_DE}",
    },
}
