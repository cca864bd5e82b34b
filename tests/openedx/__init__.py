"""Open edX's own LTI 1.3 platform, old and new, with the whole system: from the unit's click to its gradebook."""
