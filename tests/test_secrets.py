"""Secrets: which names and tokens are told, which are made up, and that no cut hides one.

Every token here is put together when the test runs, for the file itself must not look like it holds any.
"""

import random
import string
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_cli.secrets import SecretSearch, secret_file, secrets_in

RANDOM = random.Random(20)
LETTERS = "".join(RANDOM.choices(string.ascii_letters, k=200))
MIXED = "".join(RANDOM.choices(string.ascii_letters + string.digits, k=200))
HEX = "".join(RANDOM.choices("0123456789abcdef", k=200))
BASE_32 = "".join(RANDOM.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=200))
BECH_32 = "".join(RANDOM.choices("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", k=200))


def key_block(kind: str = "", end: str = "\n", body: str = MIXED) -> str:
    dashes = "-" * 5
    lines = [
        f"{dashes}BEGIN {kind}PRIVATE KEY{dashes}",
        body[:64],
        body[64:128],
        f"{dashes}END {kind}PRIVATE KEY{dashes}",
    ]
    return end.join(lines)


def kinds(text: str) -> list[str]:
    return [kind for kind, _ in secrets_in(text.encode())]


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        (".env", "environment"),
        ("api/.env.production", "environment"),
        (".env.local", "environment"),
        ("home/.ssh/id_rsa", "SSH private key"),
        ("id_ed25519", "SSH private key"),
        ("etc/ssh/ssh_host_ecdsa_key", "SSH private key"),
        (".npmrc", "logins"),
        (".pypirc", "logins"),
        ("home/.netrc", "logins"),
        (".git-credentials", "logins"),
        ("home/.aws/credentials", "logins"),
        (".docker/config.json", "logins"),
        (".kube/config", "logins"),
        ("gcp/credentials.json", "credentials"),
        ("config/master.key", "credentials"),
        ("terraform.tfstate", "credentials"),
        (".streamlit/secrets.toml", "credentials"),
        ("android/release.jks", "key store"),
        ("certs/site.p12", "key store"),
        ("a.keystore", "key store"),
    ],
)
def test_names_that_hold_keys_are_known(path: str, holds: str) -> None:
    assert secret_file(path) == holds


@pytest.mark.parametrize(
    "path",
    """
    .env.example .env.sample .env.template .env.dist .env.local.example env.py prod.env .environment .env/bin/python
    id_rsa.pub id_rsa.py docs/credentials.md credentials credentials.py config.json docker/config.json config
    .aws/config server.pem server.key cart.p8 master.key.py secrets.py keystore.py jks .envrc src/.envs
    """.split(),
)
def test_names_that_only_look_like_it_are_left_alone(path: str) -> None:
    assert secret_file(path) is None


# --- tokens -------------------------------------------------------------------------------------------------------

SHAPES = [
    ("age secret key", "AGE-SECRET-KEY" + "-1", BECH_32[:58]),
    ("AWS access key id", "AK" + "IA", BASE_32[:16]),
    ("AWS access key id", "AS" + "IA", BASE_32[:16]),
    ("Azure storage key", "Account" + "Key=", MIXED[:86] + "=="),
    ("Anthropic key", "sk-" + "ant-api03-", MIXED[:93] + "AA"),
    ("DigitalOcean token", "dop" + "_v1_", HEX[:64]),
    ("DigitalOcean token", "doo" + "_v1_", HEX[:64]),
    ("DigitalOcean token", "dor" + "_v1_", HEX[:64]),
    ("Docker Hub token", "dckr" + "_pat_", MIXED[:27]),
    ("GitHub token", "gh" + "p_", MIXED[:36]),
    ("GitHub token", "gh" + "o_", MIXED[:36]),
    ("GitHub token", "gh" + "u_", MIXED[:36]),
    ("GitHub token", "gh" + "s_", MIXED[:36]),
    ("GitHub token", "gh" + "r_", MIXED[:36]),
    ("GitHub token", "github" + "_pat_", MIXED[:22] + "_" + MIXED[22:81]),
    ("GitLab token", "gl" + "pat-", MIXED[:20]),
    ("GitLab token", "gl" + "dt-", MIXED[:20]),
    ("GitLab token", "gl" + "rt-", MIXED[:20]),
    ("GitLab token", "gl" + "ptt-", HEX[:40]),
    ("GitLab token", "gl" + "cbt-", MIXED[:26]),
    ("GitLab token", "gl" + "soat-", MIXED[:20]),
    ("Google API key", "AI" + "za", MIXED[:35]),
    ("Grafana token", "gl" + "sa_", MIXED[:32] + "_" + HEX[:8]),
    ("Hugging Face token", "h" + "f_", LETTERS[:34]),
    ("npm token", "np" + "m_", MIXED[:36]),
    ("OpenAI key", "sk" + "-", MIXED[:20] + "T3Blbk" + "FJ" + MIXED[20:40]),
    ("OpenAI key", "sk" + "-proj-", MIXED[:74] + "T3Blbk" + "FJ" + MIXED[74:148]),
    ("OpenAI key", "sk" + "-service-", MIXED[:90] + "T3Blbk" + "FJ" + MIXED[90:148]),
    ("OpenRouter key", "sk-" + "or-v1-", HEX[:64]),
    ("PyPI token", "py" + "pi-AgE", "IcHlwaS5vcmc" + MIXED[:120]),
    ("SendGrid key", "S" + "G.", MIXED[:22] + "." + MIXED[22:65]),
    ("Shopify token", "shp" + "at_", HEX[:32]),
    ("Shopify token", "shp" + "ca_", HEX[:32]),
    ("Shopify token", "shp" + "pa_", HEX[:32]),
    ("Shopify token", "shp" + "ss_", HEX[:32]),
    ("Slack token", "xo" + "xb-", "7408136529-6027481359271-" + MIXED[:24]),
    ("Slack token", "xo" + "xp-", "7408136529-6027481359-8147260395-" + HEX[:32]),
    ("Slack token", "xo" + "xa-2-", "7408136529-6027481359-" + HEX[:32]),
    ("Slack webhook", "hooks.slack" + ".com/services/T", BASE_32[:9] + "/B" + BASE_32[9:18] + "/" + MIXED[:24]),
    ("Stripe key", "sk" + "_live_", MIXED[:24]),
    ("Stripe key", "rk" + "_live_", MIXED[:99]),
    ("Vault token", "hv" + "s.", MIXED[:95]),
]
TOKENS = [(kind, beginning + rest) for kind, beginning, rest in SHAPES]
NUMBERED = [f"{kind} {number}" for number, (kind, _) in enumerate(TOKENS)]
"""What the tests are called by, rather than by the tokens."""
GITHUB, AMAZON = TOKENS[9][1], TOKENS[1][1]


@pytest.mark.parametrize(("kind", "token"), TOKENS, ids=NUMBERED)
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ('key = "', '";\n'), ("naïve: ", "\r\n"), ("(=", ")"), ("\n", ",")]
)
def test_each_kind_of_token_is_told_with_its_place(kind: str, token: str, before: str, after: str) -> None:
    text = (before + token + after).encode()
    assert [*secrets_in(text)] == [(kind, len(before.encode()))]


@pytest.mark.parametrize(("kind", "token"), TOKENS, ids=NUMBERED)
@pytest.mark.parametrize("before", ["x", "_", "7", "-"])
def test_no_token_begins_within_a_word(kind: str, token: str, before: str) -> None:
    assert kinds(before + token) == []


@pytest.mark.parametrize(("beginning", "rest"), [shape[1:] for shape in SHAPES], ids=NUMBERED)
def test_what_is_cut_short_or_filled_with_one_letter_is_none(beginning: str, rest: str) -> None:
    assert kinds(beginning + rest[:15]) == []
    assert kinds(beginning + "x" * len(rest)) == []
    assert kinds(beginning + "0" * len(rest)) == []


@pytest.mark.parametrize(
    "token",
    [
        "AK" + "IAIOSFODNN7" + "EXAMPLE",
        "AK" + "IA" + "ABCDEFGHIJKLMNOP",
        "AK" + "IA" + BASE_32[:17],
        "AK" + "IA" + BASE_32[:15] + "1",
        "gh" + "p_" + "x" * 36,
        "gh" + "p_" + "abcdefghijklmnopqrstuvwxyz0123456789",
        "gh" + "p_" + "yourGitHubTokenGoesHere" + MIXED[:13],
        "gh" + "p_" + "0" * 36,
        "gh" + "p_" + "ab1" * 12,
        "gh" + "p_" + MIXED[:20] + "xxxx" + MIXED[24:36],
        "gl" + "pat-" + "xxxxxxxxxxxxxxxxxxxx",
        "AI" + "za" + "Sy" + "FakeKey" + MIXED[:26],
        "sk" + "-" + MIXED[:48],
        "sk-" + "ant-your-key-here",
        "sk" + "_test_" + MIXED[:24],
        "xo" + "xb-your-token-goes-here-and-here",
        "hooks.slack" + ".com/services/T00000000/B00000000/" + "X" * 24,
        "shp" + "at_" + "a1b2c3d4" * 4,
        "np" + "m_config_registry_of_the_company_and_more",
        "//registry/:_auth" + "Token=${NPM_TOKEN}",
        "Account" + "Key=" + "Eby8vdM02x" + "NOcqFl" + MIXED[:70] + "==",
        "S" + "G." + "Element.Thing",
    ],
)
def test_placeholders_are_no_secrets(token: str) -> None:
    assert kinds(f'token = "{token}"\n') == []


def test_a_login_in_a_registrys_settings_is_told() -> None:
    assert kinds("//registry.test/:_auth" + "Token=" + f"{HEX[:8]}-{HEX[8:12]}-{HEX[12:16]}-{HEX[16:28]}\n") == [
        "npm login"
    ]


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\\n", "\\\\n", '\\n"\n    "', "\n    ", "\n# ", "\\n' +\n  '"])
def test_private_keys_are_told_however_they_are_quoted(kind: str, end: str) -> None:
    text = "key: " + key_block(kind, end) + "\n"
    assert [*secrets_in(text.encode())] == [("private key", 5)]


def test_private_keys_with_headers_are_told() -> None:
    dashes = "-" * 5
    old = key_block("RSA ").replace(
        f"KEY{dashes}\n", f"KEY{dashes}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1
    )
    pgp = f"{dashes}BEGIN PGP PRIVATE KEY " + f"BLOCK{dashes}\nVersion: GnuPG v1\n\n{MIXED[:64]}\n"
    putty = "PuTTY-User-Key-File-2: ssh-rsa\nPrivate-" + f"Lines: 8\n{MIXED[:64]}\n"
    assert (kinds(old), kinds(pgp), kinds(putty)) == (["private key"], ["private key"], ["PuTTY private key"])


@pytest.mark.parametrize(
    "text",
    [
        'if line.startswith("' + "-" * 5 + "BEGIN PRIVATE" + ' KEY-----"):\n    return load(line)\n',
        key_block().replace("PRIVATE", "PUBLIC"),
        key_block(body="..."),
        key_block(body="MIIEpAIBAAKCAQEA...\n(your key here)"),
        key_block(body="A" * 128),
        "-" * 5 + "END PRIVATE" + " KEY-----\n" + MIXED,
        "-" * 5 + "BEGIN PRIVATE" + " KEY-----" + "\n" * 900 + MIXED,
        "-" * 5 + "BEGIN PRIVATE" + " KEY-----\n" + f"Comment: {'so ' * 25}\n" * 7 + MIXED,
    ],
)
def test_the_mere_mention_of_a_key_is_none(text: str) -> None:
    assert kinds(text) == []


def test_tokens_are_told_in_order_each_by_itself() -> None:
    text = "\n".join(token for _, token in TOKENS)
    found = [*secrets_in(text.encode())]
    assert [kind for kind, _ in found] == [kind for kind, _ in TOKENS]
    assert [text[at:].split("\n")[0] for _, at in found] == [token for _, token in TOKENS]
    twice = f"{GITHUB} {GITHUB}"
    assert [at for _, at in secrets_in(twice.encode())] == [0, len(GITHUB) + 1]


# --- pieces -------------------------------------------------------------------------------------------------------


def searched(pieces: list[bytes]) -> list[tuple[str, int]]:
    search = SecretSearch()
    return [found for piece in pieces for found in search.feed(piece)] + search.finish()


def long_text() -> tuple[bytes, list[tuple[str, int]]]:
    """Return text far longer than what is searched at once, with tokens all over it, and what is to be found."""
    chosen = random.Random(7)
    text, expected = bytearray(), []
    for number in range(400):
        text += b"all work and no play \xc3\xa9 _makes_ " * chosen.randrange(40) + b"\n" * chosen.randrange(3) + b" "
        kind, token = ("private key", key_block()) if number % 9 == 0 else chosen.choice(TOKENS)
        expected.append((kind, len(text)))
        text += token.encode() + b"\n"
    return bytes(text), expected


TEXT, EXPECTED = long_text()


def test_the_tokens_of_a_long_text_are_all_found_once() -> None:
    assert len(TEXT) > 200_000
    assert [*secrets_in(TEXT)] == EXPECTED
    assert searched([TEXT]) == EXPECTED


@pytest.mark.parametrize("size", [1, 7, 100, 511, 512, 513, 4096, 32_768, 65_535, 65_536, 65_537, 100_001])
def test_pieces_of_any_size_find_the_same(size: int) -> None:
    few = 120 if size == 1 else len(EXPECTED) - 1
    text = TEXT[: EXPECTED[few][1]]
    assert len(text) > 65_536
    assert searched([text[start : start + size] for start in range(0, len(text), size)]) == EXPECTED[:few]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_pieces_cut_anywhere_find_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(TEXT)]
    assert searched([TEXT[start:end] for start, end in pairwise(edges)]) == EXPECTED


@pytest.mark.parametrize(
    ("kind", "token"), [*TOKENS, ("private key", key_block("RSA "))], ids=[*NUMBERED, "private key"]
)
def test_a_cut_through_a_token_hides_nothing_and_makes_up_nothing(kind: str, token: str) -> None:
    for shift in range(0, 700, 13):
        text = (b"word " * 13_200)[: 65_536 - shift] + b" " + token.encode() + b" more words"
        at = 65_537 - shift
        for cut in (at - 1, at, at + 1, at + len(token) // 2, at + len(token) - 1, at + len(token)):
            assert searched([text[:cut], text[cut:]]) == [(kind, at)]


def test_a_word_that_a_cut_parts_is_still_a_word() -> None:
    inside = (b"x" * 65_536 + GITHUB.encode(), AMAZON.encode() + b"7LONGER")
    for text in inside:
        for cut in (1, 20, 65_023, 65_024, 65_025, 65_535, 65_536, 65_537):
            assert searched([text[:cut], text[cut:]]) == []


def test_nothing_and_noise_hold_no_secrets() -> None:
    assert searched([]) == searched([b""]) == []
    assert searched([bytes(range(256)) * 300, b"\xff\xfe" * 40_000, b"\0\1" * 40_000, b"ghp_" * 20_000]) == []


def test_hostile_text_is_searched_at_once() -> None:
    """Ends at all: beginnings without end, each as often as they fit."""
    beginnings = [
        "-" * 5 + "BEGIN PRIVATE" + " KEY-----",
        "PRIVATE" + " KEY-----",
        "sk" + "-T3Blbk" + "FJ",
        "sk" + "-ant-api03-",
    ]
    for beginning in [*beginnings, "gh" + "p_", "AK" + "IA", "S" + "G.", "xo" + "xb-1234567890-"]:
        for parting in ("", " ", "\n", "a" * 30 + " "):
            text = (beginning + parting) * (200_000 // len(beginning + parting))
            assert len(searched([text.encode()])) <= 1
