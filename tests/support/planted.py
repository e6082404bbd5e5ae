"""Secrets of many kinds to be planted in a repository, each put together when a test runs: no file holds one.

PLANTED["GitHub token"].line      a line of code or settings that has it
PLANTED["GitHub token"].secret    what nobody else may see
"""

import base64
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_RANDOM = random.Random(31)
_MIXED = string.ascii_letters + string.digits


def _some(length: int, letters: str = _MIXED) -> str:
    return "".join(_RANDOM.choices(letters, k=length))


_HEX = "0123456789abcdef"
_BASE_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Plant:
    """One secret in its place."""

    path: str
    line: str
    """Or several."""
    secret: str
    shared: int = 0
    """Characters at its beginning that all of its kind have."""


def _key_block() -> str:
    lines = [_some(64, _MIXED + "+/") for _ in range(12)]
    return "\n".join([f"{'-' * 5}BEGIN RSA PRIVATE KEY{'-' * 5}", *lines, f"{'-' * 5}END RSA PRIVATE KEY{'-' * 5}"])


def _plant(path: str, line: str, secret: str, shared: int = 0) -> Plant:
    return Plant(path, line.replace("@@", secret), secret, shared)


def _web_token() -> str:
    def part(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    return ".".join([part('{"alg":"HS256"}'), part('{"sub":"' + _some(30) + '"}'), _some(43)])


_KEY = _key_block()
_TOKEN = _web_token()
_LOGIN = base64.b64encode(f"ada:{_some(14)}".encode()).decode()
PLANTED = {
    "AWS access key id": _plant("aws.py", 'key = "@@"', "AK" + "IA" + _some(16, _BASE_32), 4),
    "AWS secret access key": _plant(".aws/config", "aws_secret_access_key = @@", _some(38) + "/9"),
    "private key": _plant("deploy/id.pem", _KEY, "".join(_KEY.split("\n")[1:-1])),
    "JSON web token": _plant("web/session.js", "const session = '@@'", _TOKEN, _TOKEN.index(".") + 4),
    "GitHub token": _plant("ci.yaml", "  GITHUB: @@", "gh" + "p_" + _some(36), 4),
    "GitLab token": _plant("ci.yaml", "  GITLAB: @@", "gl" + "pat-" + _some(20), 6),
    "OpenAI key": _plant("ask.py", 'client("@@")', "sk" + "-" + _some(20) + "T3Blbk" + "FJ" + _some(20), 3),
    "Anthropic key": _plant("ask.py", "# @@", "sk-" + "ant-api03-" + _some(93) + "AA", 13),
    "Slack token": _plant("chat.rb", 'Slack.new("@@")', "xo" + "xb-7408136529-6027481359271-" + _some(24), 5),
    "Stripe key": _plant("pay.php", "$stripe = '@@';", "sk" + "_live_" + _some(24), 8),
    "Google API key": _plant("maps.html", '<script src="https://maps.test/js?key=@@">', "AI" + "za" + _some(35), 4),
    "npm token": _plant(".npmrc", "//registry.test/:_authToken=@@", "np" + "m_" + _some(36), 4),
    "SendGrid key": _plant("mail.go", "key := `@@`", "S" + "G." + _some(22) + "." + _some(43), 3),
    "Twilio key": _plant("sms.ts", "new Twilio('@@')", "S" + "K" + _some(32, _HEX), 2),
    "Telegram bot token": _plant("bot.py", 'Bot("8134562790@@")', ":A" + "A" + _some(33), 3),
    "Mailgun key": _plant("mail.go", 'mg := New("@@")', "key" + "-" + _some(32, _HEX), 4),
    "Azure storage key": _plant("blob.cs", '"AccountName=a;@@"', "Account" + "Key=" + _some(86) + "==", 11),
    "Azure signature": _plant("blob.cs", '"https://a.test/b?sv=2022&@@"', "sig" + "=" + _some(46) + "%3D", 4),
    "Discord webhook": _plant(
        "chat.rb", 'post("https://chat.test@@")', "/api/" + "webhooks/104857600123456789/" + _some(68), 33
    ),
    "password": _plant("app/db.py", 'connect(user="ada", password="@@")', "tulip7" + _some(8) + "!"),
    "secret": _plant(".env", "SESSION_SECRET=@@", _some(24) + "7$" + _some(4)),
    "token": _plant("client.py", 'headers["Authorization"] = "Bearer @@"', _some(38) + "42"),
    "key": _plant("settings.toml", 'encryption_key = "@@"', _some(32, _HEX)),
    "password in an address": _plant("compose.yaml", "  url: postgres://ada:@@@db:5432/x", "otter4" + _some(9)),
    "login": _plant("curl.sh", 'curl -H "Authorization: Basic @@" https://a.test', _LOGIN),
}
LOOK_ALIKES = """
password = get_password()
def login(password: str, token: Token2) -> Session: ...
PASSWORD = "your-password-1"
api_key = "{{ api_key_1 }}"
token = os.environ["API_TOKEN_2"]
secret = config.secrets.session_2
DB_PASSWORD=${DB_PASSWORD_1}
password_hash_algorithm = "pbkdf2_sha256"
token_url = "https://login.test/oauth2/v1/token"
secret_name: prod/db1/main
if password == "": raise ValueError("password must have 8 characters")
MAX_TOKENS = 4096
cache_key = f"user:{user_id}:v2"
key = sorted(rows, key=lambda row: row.total_2)
interface Login { password: string; secret: Uint8Array }
<input type="password" id="password1" name="password">
commit 3f786850e387550fdab836ed7e6dc881de23001b
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
https://user:password@host.test/ and postgres://postgres:postgres@db/x
Authorization: Bearer <token>
"""
"""Code and settings that speak of secrets and hold none."""


def parts(plant: Plant, size: int = 12) -> Iterator[str]:
    """Yield every run of so many characters of a secret, what all of its kind have left out."""
    own = plant.secret[plant.shared :]
    yield from (own[at : at + size] for at in range(len(own) - size + 1))


def plant_all(folder: Path, *kinds: str) -> None:
    """Write a repository that holds all of them, or some, and the look-alikes."""
    folder.mkdir(exist_ok=True)
    for plant in (PLANTED[kind] for kind in kinds or PLANTED):
        path = folder / plant.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"# {plant.path}\n{plant.line}\n")
    (folder / "harmless.txt").write_text(LOOK_ALIKES)
