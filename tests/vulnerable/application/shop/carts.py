"""The cart of a visitor, who need not be logged in: it lives in a cookie."""

import base64
import pickle

from flask import Blueprint, Response, abort, jsonify, request

from shop.catalog import plant_or_404

pages = Blueprint("carts", __name__)

COOKIE = "cart"
MOST_PIECES = 99
MOST_LINES = 40


def cart_of_visitor() -> dict[int, int]:
    """Return the pieces by plant; lines that no cart of this shop can have are left out."""
    kept = request.cookies.get(COOKIE)
    if kept is None:
        return {}
    lines = pickle.loads(base64.urlsafe_b64decode(kept))
    sound = {int(plant_id): int(pieces) for plant_id, pieces in dict(lines).items()}
    return {plant_id: pieces for plant_id, pieces in sound.items() if 1 <= pieces <= MOST_PIECES}


def keep(cart: dict[int, int], response: Response) -> Response:
    value = base64.urlsafe_b64encode(pickle.dumps(cart)).decode()
    response.set_cookie(COOKIE, value, max_age=30 * 86_400, secure=True, httponly=True, samesite="Lax")
    return response


@pages.get("/cart")
def show() -> Response:
    lines = []
    for plant_id, pieces in cart_of_visitor().items():
        row = plant_or_404(plant_id)
        lines.append({"plant": plant_id, "name": row["name"], "pieces": pieces, "cents": row["price_cents"] * pieces})
    return jsonify(lines)


@pages.post("/cart/<int:plant_id>")
def put(plant_id: int) -> Response:
    plant_or_404(plant_id)
    pieces = request.form.get("pieces", 1, type=int)
    cart = cart_of_visitor()
    if not 1 <= pieces <= MOST_PIECES or len(cart) >= MOST_LINES:
        abort(400)
    cart[plant_id] = pieces
    return keep(cart, jsonify(cart))


@pages.delete("/cart")
def empty() -> Response:
    return keep({}, jsonify({}))
