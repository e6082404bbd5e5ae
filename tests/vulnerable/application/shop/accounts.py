"""Who somebody is: logging in and out."""

import hashlib
import hmac
import time

from flask import Blueprint, Response, abort, redirect, request, session

from shop import database

pages = Blueprint("accounts", __name__)

MOST_FAILURES = 5
WINDOW_SECONDS = 900
NOBODY = (bytes(16), bytes(32))


def hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


def require_user() -> int:
    user = session.get("user")
    if user is None:
        abort(401)
    return user


def require_staff() -> int:
    user = require_user()
    row = database.get().execute("SELECT staff FROM users WHERE id = ?", (user,)).fetchone()
    if row is None or not row["staff"]:
        abort(403)
    return user


def failures(name: str) -> int:
    since = time.time() - WINDOW_SECONDS
    found = database.get().execute("SELECT count(*) FROM login_failures WHERE name = ? AND at > ?", (name, since))
    return found.fetchone()[0]


@pages.post("/login")
def login() -> Response:
    name, password = request.form.get("name", ""), request.form.get("password", "")
    if failures(name) >= MOST_FAILURES:
        abort(429)
    connection = database.get()
    row = connection.execute("SELECT id, salt, password_hash FROM users WHERE name = ?", (name,)).fetchone()
    salt, expected = (row["salt"], row["password_hash"]) if row else NOBODY
    if not hmac.compare_digest(hashed(password, salt), expected) or row is None:
        with connection:
            connection.execute("INSERT INTO login_failures (name, at) VALUES (?, ?)", (name, time.time()))
        abort(401)
    session.clear()
    session["user"] = row["id"]
    return redirect(request.form.get("next") or "/plants")


@pages.post("/logout")
def logout() -> Response:
    session.clear()
    return redirect("/plants")
