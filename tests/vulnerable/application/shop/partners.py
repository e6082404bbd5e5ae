"""Partner nurseries: their prices and stock come from a feed, a JSON list at an address of theirs."""

import json
from typing import Any

import requests
from flask import Blueprint, Response, abort, jsonify, request

from shop import database
from shop.tokens import partner_of_request

pages = Blueprint("partners", __name__)

LARGEST_FEED = 2_000_000
MOST_ROWS = 5_000


@pages.post("/api/feed")
def take_feed() -> Response:
    partner = partner_of_request()
    body = request.get_json()
    address = body.get("url") if isinstance(body, dict) else None
    if not isinstance(address, str):
        abort(400)
    rows = read_feed(address)
    connection = database.get()
    changed = 0
    with connection:
        for row in rows:
            changed += connection.execute(
                "UPDATE plants SET price_cents = ?, stock = ? WHERE sku = ? AND partner = ?",
                (row["cents"], row["stock"], row["sku"], partner),
            ).rowcount
    return jsonify({"rows": len(rows), "changed": changed})


def read_feed(address: str) -> list[dict[str, Any]]:
    """Return the rows of a feed that are as they should be."""
    try:
        with requests.get(address, timeout=10, stream=True) as reply:
            reply.raise_for_status()
            content = reply.raw.read(LARGEST_FEED + 1, decode_content=True)
    except requests.RequestException:
        abort(502)
    if len(content) > LARGEST_FEED:
        abort(413)
    try:
        rows = json.loads(content)
    except ValueError:
        abort(422)
    return [row for row in rows if sound(row)][:MOST_ROWS] if isinstance(rows, list) else abort(422)


def sound(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("sku"), str)
        and isinstance(row.get("cents"), int)
        and isinstance(row.get("stock"), int)
        and 0 < row["cents"] < 10_000_000
        and 0 <= row["stock"] < 100_000
    )
