"""The web shop of a small plant nursery."""

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from shop import accounts, carts, catalog, database, invoices, orders, partners, pictures, settings


def create_app(testing: bool = False) -> Flask:
    app = Flask(__name__, static_folder="../static")
    app.config.from_mapping(settings.load(testing))
    app.config.update(
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=8 * 1024 * 1024,
    )
    database.init_app(app)
    for module in (accounts, carts, catalog, invoices, orders, partners, pictures):
        app.register_blueprint(module.pages)
    app.before_request(refuse_other_sites)
    app.after_request(add_headers)
    return app


def refuse_other_sites() -> None:
    """Changes are asked for by pages of this shop, or by partners with a token of their own and no cookie."""
    if request.method in ("GET", "HEAD", "OPTIONS") or request.path.startswith("/api/"):
        return
    origin = request.headers.get("Origin")
    if origin is None or urlsplit(origin).netloc != request.host:
        abort(403)


def add_headers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
