"""Tokens of partners: the office issues them, and partners send them with each call."""

import os
from datetime import datetime, timedelta, timezone

import jwt
from flask import abort, request

METHOD = "HS256"
VALID = timedelta(days=90)


def issue(partner: str) -> str:
    claims = {"partner": partner, "exp": datetime.now(timezone.utc) + VALID}
    return jwt.encode(claims, os.environ["PARTNER_KEY"], algorithm=METHOD)


def partner_of_request() -> str:
    """Return the partner that the token of this request was issued to."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer":
        abort(401)
    try:
        claims = jwt.decode(token, algorithms=[METHOD], options={"verify_signature": False})
    except jwt.InvalidTokenError:
        abort(401)
    partner = claims.get("partner")
    return partner if isinstance(partner, str) else abort(401)
