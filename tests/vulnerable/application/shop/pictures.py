"""Pictures of plants: staff uploads and captions them, everybody sees them."""

import subprocess
import tempfile
from pathlib import Path

from flask import Blueprint, Response, abort, request, send_file

from shop.accounts import require_staff
from shop.catalog import plant_or_404

pages = Blueprint("pictures", __name__)

FOLDER = Path("/srv/shop/pictures")
JPEG = b"\xff\xd8\xff"
LONGEST_CAPTION = 80


@pages.get("/pictures/<path:name>")
def picture(name: str) -> Response:
    path = (FOLDER / name).resolve()
    if not path.is_relative_to(FOLDER.resolve()) or not path.is_file():
        abort(404)
    return send_file(path, mimetype="image/jpeg")


@pages.post("/admin/plants/<int:plant_id>/picture")
def upload(plant_id: int) -> tuple[str, int]:
    require_staff()
    plant_or_404(plant_id)
    content = request.get_data()
    if not content.startswith(JPEG):
        abort(415)
    target = FOLDER / f"{plant_id}.jpg"
    with tempfile.NamedTemporaryFile(suffix=".jpg") as draft:
        draft.write(content)
        draft.flush()
        command = ["jpegtran", "-copy", "none", "-optimize", "-outfile", str(target), draft.name]
        done = subprocess.run(command, capture_output=True, timeout=30)
    return ("", 204) if done.returncode == 0 else abort(422)


@pages.post("/admin/plants/<int:plant_id>/caption")
def caption(plant_id: int) -> tuple[str, int]:
    require_staff()
    plant_or_404(plant_id)
    text = request.form.get("text", "").strip()
    if not 0 < len(text) <= LONGEST_CAPTION:
        abort(400)
    path = FOLDER / f"{plant_id}.jpg"
    done = subprocess.run(f"mogrify -gravity south -annotate +0+12 '{text}' {path}", shell=True, timeout=30)
    return ("", 204) if done.returncode == 0 else abort(422)
