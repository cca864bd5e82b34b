"""The scopes that the platform grants: a token holds the ones asked for among these."""

_AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINEITEM = _AGS + "lineitem"
LINEITEM_READONLY = _AGS + "lineitem.readonly"
RESULT_READONLY = _AGS + "result.readonly"
SCORE = _AGS + "score"
MEMBERSHIPS_READONLY = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
GRANTED = (LINEITEM, LINEITEM_READONLY, RESULT_READONLY, SCORE, MEMBERSHIPS_READONLY)
