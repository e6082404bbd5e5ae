"""Orders: placing, looking at and cancelling them."""

import sqlite3

from flask import Blueprint, Response, abort, current_app, jsonify, request

from shop import database, payments
from shop.accounts import require_user
from shop.carts import cart_of_visitor, keep
from shop.catalog import plant_or_404

pages = Blueprint("orders", __name__)


@pages.get("/orders")
def orders() -> Response:
    found = database.get().execute("SELECT id, status, total_cents FROM orders WHERE user_id = ?", (require_user(),))
    return jsonify([dict(row) for row in found])


@pages.get("/orders/<int:order_id>")
def order(order_id: int) -> Response:
    require_user()
    row = database.get().execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        abort(404)
    return jsonify(dict(row))


@pages.post("/orders/<int:order_id>/cancel")
def cancel(order_id: int) -> tuple[str, int]:
    user = require_user()
    connection = database.get()
    with connection:
        changed = connection.execute(
            "UPDATE orders SET status = 'cancelled' WHERE id = ? AND user_id = ? AND status = 'open'", (order_id, user)
        )
    return ("", 204) if changed.rowcount else abort(404)


@pages.post("/orders")
def place() -> Response:
    user, cart = require_user(), cart_of_visitor()
    address = request.form.get("address", "").strip()
    if not cart or not 10 <= len(address) <= 500:
        abort(400)
    goods = sum(plant_or_404(plant_id)["price_cents"] * pieces for plant_id, pieces in cart.items())
    free = goods >= current_app.config["FREE_SHIPPING_FROM_CENTS"]
    total = goods + (0 if free else current_app.config["SHIPPING_CENTS"])
    connection = database.get()
    with connection:
        order_id = connection.execute(
            "INSERT INTO orders (user_id, status, total_cents, address) VALUES (?, 'open', ?, ?)",
            (user, total, address),
        ).lastrowid
        reserve(connection, order_id, cart)
    payments.charge(connection, order_id, total, request.form.get("card", ""))
    return keep({}, jsonify({"order": order_id, "total_cents": total}))


def reserve(connection: sqlite3.Connection, order_id: int, cart: dict[int, int]) -> None:
    """Take the plants out of the stock; an order that asks for more than there is fails as a whole."""
    for plant_id, pieces in cart.items():
        taken = connection.execute(
            "UPDATE plants SET stock = stock - ? WHERE id = ? AND stock >= ?", (pieces, plant_id, pieces)
        )
        if not taken.rowcount:
            abort(409)
        connection.execute("INSERT INTO order_lines VALUES (?, ?, ?)", (order_id, plant_id, pieces))
