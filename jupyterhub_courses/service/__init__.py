"""The courses service: JSON API and pages below /services/courses/, reconciler and outbox, in a process of its own."""
