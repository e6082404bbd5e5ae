"""What there is to buy, and what customers say of it."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request
from markupsafe import Markup

from shop import database
from shop.accounts import require_user

pages = Blueprint("catalog", __name__)

ORDERS = {"name": "name", "price": "price_cents", "newest": "added_at DESC"}
MOST_SHOWN = 50
LONGEST_REVIEW = 2_000
REVIEWS = '<ul id="reviews" data-plant="{}"></ul><script src="/static/reviews.js"></script>'


def plant_or_404(plant_id: int) -> Any:
    row = database.get().execute("SELECT * FROM plants WHERE id = ?", (plant_id,)).fetchone()
    if row is None:
        abort(404)
    return row


@pages.get("/plants")
def plants() -> Response:
    order = ORDERS.get(request.args.get("sort", ""), "name")
    rows = database.get().execute(f"SELECT id, name, price_cents FROM plants WHERE stock > 0 ORDER BY {order}")
    return jsonify([dict(row) for row in rows.fetchmany(MOST_SHOWN)])


@pages.get("/plants/search")
def search() -> Response:
    words = request.args.get("q", "").strip()
    if len(words) < 3:
        abort(400)
    query = "SELECT id, name, price_cents FROM plants WHERE name LIKE '%" + words + "%' ORDER BY name"
    rows = database.get().execute(query)
    return jsonify([dict(row) for row in rows.fetchmany(MOST_SHOWN)])


@pages.get("/plants/<int:plant_id>")
def plant(plant_id: int) -> str:
    row = plant_or_404(plant_id)
    return Markup("<h1>{}</h1><p>{}</p>" + REVIEWS).format(row["name"], row["description"], plant_id)


@pages.get("/plants/<int:plant_id>/reviews")
def reviews(plant_id: int) -> Response:
    rows = database.get().execute(
        "SELECT users.name AS author, reviews.text FROM reviews JOIN users ON users.id = user_id WHERE plant_id = ?",
        (plant_id,),
    )
    return jsonify([dict(row) for row in rows.fetchmany(MOST_SHOWN)])


@pages.post("/plants/<int:plant_id>/reviews")
def review(plant_id: int) -> tuple[str, int]:
    user = require_user()
    plant_or_404(plant_id)
    text = request.form.get("text", "").strip()
    if not 0 < len(text) <= LONGEST_REVIEW:
        abort(400)
    connection = database.get()
    with connection:
        connection.execute("INSERT OR REPLACE INTO reviews VALUES (?, ?, ?)", (plant_id, user, text))
    return "", 201
