"""What happens to a course on a cluster, in German: the rest of course_sentences' table, by the same rules."""

from typing import Final

_EXCHANGE: Final = "Der Austauschdienst (ngshare)"
CLUSTER_GERMAN: Final = {
    # core/hosts.py
    "The cluster has not answered since {} UTC; this is how the course was then.": "Der Cluster antwortet seit {} UTC "
    "nicht; so stand es da um den Kurs.",
    # core/standing.py
    "{} is being deleted and comes back after that.": "{} wird gerade gelöscht und kommt danach wieder.",
    "The exchange (ngshare) is being made.": f"{_EXCHANGE} wird angelegt.",
    "The exchange (ngshare) is starting.": f"{_EXCHANGE} startet.",
    "The exchange (ngshare) waits for a node: {}": f"{_EXCHANGE} wartet auf einen Rechner des Clusters: {{}}",
    "The image {} cannot be pulled.": "Das Image {} lässt sich nicht holen.",
    "The exchange (ngshare) cannot start: {}.": f"{_EXCHANGE} kann nicht starten: {{}}.",
    "The exchange (ngshare) ends again and again ({}); its pod's log says more.": f"{_EXCHANGE} endet immer wieder "
    "({}); im Protokoll seines Pods steht mehr.",
    "StorageClass {} does not exist.": "Die StorageClass {} gibt es nicht.",
    "The volume {} cannot be made: {}": "Der Datenträger {} lässt sich nicht anlegen: {}",
    "The course's quota is used up: {}": "Das Kontingent des Kurses ist aufgebraucht: {}",
    "The exchange's pod is refused: {}": "Der Pod des Austauschdienstes wird abgelehnt: {}",
    # core/copies.py
    "The {} {} does not exist in the namespace {}; it cannot be copied.": "{} {} fehlt im Namespace {} "
    "und lässt sich nicht kopieren.",
    "The Secret {} holds a token of the cluster itself; it is not copied.": "Das Secret {} enthält ein Token des "
    "Clusters selbst; es wird nicht kopiert.",
    # adapters/kubernetes
    "The service may not read the {} {} {}; it cannot be copied.": "Der Dienst darf das, was er kopieren soll, nicht "
    "lesen: {} {} {}.",
    "The {} {} cannot be read; its copies stay as they are ({}).": "{} {} lässt sich nicht lesen; Kopien bleiben, wie "
    "sie sind ({}).",
    "The copy of the {} {} cannot be written ({}).": "Die Kopie von {} {} lässt sich nicht schreiben ({}).",
    "The course's namespace is being deleted; it is made anew after that.": "Der Namespace des Kurses wird gerade "
    "gelöscht; danach wird er neu angelegt.",
    "The course's namespace is being made.": "Der Namespace des Kurses wird angelegt.",
    "The course's rights are being given.": "Die Rechte für den Kurs werden vergeben.",
    "The namespace {} belongs to somebody else; it is left alone.": "Der Namespace {} gehört jemand anderem; er bleibt "
    "unberührt.",
    "The Kubernetes API does not answer ({}).": "Die Kubernetes-API antwortet nicht ({}).",
    "How to reach the Kubernetes API is not known: {}": "Wie die Kubernetes-API zu erreichen ist, ist nicht bekannt: "
    "{}",
    "A right is missing: the service may not {}.": "Ein Recht fehlt: Der Dienst darf das nicht: {}.",
    "The Kubernetes API refused to {} ({}): {}": "Die Kubernetes-API hat das abgelehnt: {} ({}): {}",
    "{} had been changed or deleted by somebody else; it is as it was again.": "{} war von jemand anderem geändert "
    "oder gelöscht worden; nun ist alles wieder, wie es war.",
    "{} does not belong here and was taken away.": "{} gehört nicht hierher und wurde entfernt.",
    "The course's namespace was gone and was made anew; volumes in it are lost.": "Der Namespace des Kurses war "
    "verschwunden und wurde neu angelegt; die Datenträger darin sind verloren.",
    # what a spec may not ask for
    "start_from.folder: a cluster sees no folder of one machine; name a git repository.": "start_from.folder: Ein "
    "Cluster sieht keinen Ordner eines einzelnen Rechners; nennen Sie ein git-Repositorium.",
    "environment.python: a cluster runs images; set environment.image instead.": "environment.python: Auf einem "
    "Cluster laufen Images; geben Sie stattdessen environment.image an.",
    "egress.to: {} may not be reached from a course.": "egress.to: {} darf aus einem Kurs nicht erreicht werden.",
    "{}: {} is more than the administrator allows ({}).": "{}: {} ist mehr, als die Administration erlaubt ({}).",
    "{}: the administrator does not allow the image {}.": "{}: Die Administration erlaubt das Image {} nicht.",
}
