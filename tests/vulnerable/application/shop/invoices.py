"""Invoices: PDFs that the bookkeeping program writes, a folder for each customer."""

import os

from flask import Blueprint, Response, abort, jsonify, request, send_file

from shop.accounts import require_user

pages = Blueprint("invoices", __name__)

FOLDER = "/srv/shop/invoices"


@pages.get("/invoices")
def invoices() -> Response:
    folder = os.path.join(FOLDER, str(require_user()))
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return jsonify(sorted(name for name in names if name.endswith(".pdf")))


@pages.get("/invoices/download")
def download() -> Response:
    user = require_user()
    name = request.args.get("file", "")
    path = os.path.join(FOLDER, str(user), name)
    if not os.path.isfile(path):
        abort(404)
    return send_file(path, as_attachment=True)
