"""Redaction: what is hidden and what is not, that it comes back, and that no part of a secret slips through."""

import random
import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.planted import LOOK_ALIKES, PLANTED, Plant, parts

from rlm_cli.needles import Needles
from rlm_cli.redaction import Redactor
from rlm_cli.secret_spans import spans_in
from rlm_cli.tokens import count_tokens
from rlm_cli.worst_case import _TOKENIZER_MARGIN

ALL = "\n".join(plant.line for plant in PLANTED.values())
TOKEN = re.compile(r"<SECRET:([a-z-]+):(\d+)(?::(\d+)-(\d+))?>")


def learned(text: str = ALL, size: int = 1 << 20) -> Redactor:
    redactor, content = Redactor(), text.encode()
    redactor.learn(content[at : at + size] for at in range(0, len(content), size))
    return redactor


def assert_hidden(plant: Plant, text: str) -> None:
    for part in parts(plant):
        assert part not in text


# --- what is hidden -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("x = 1\n", "\ny = 2\n"), ("naïve 文\n", "\r\n")])
def test_a_secret_of_each_kind_is_hidden_and_comes_back(kind: str, before: str, after: str) -> None:
    plant, redactor = PLANTED[kind], Redactor()
    text = before + plant.line + after
    hidden = redactor.hide(text)
    assert_hidden(plant, hidden)
    assert TOKEN.search(hidden)
    assert hidden.startswith(before)
    assert redactor.restore(hidden) == text
    assert redactor.hidden == {kind.partition(" in ")[0]: 1}


def test_what_only_speaks_of_secrets_stays_as_it_is() -> None:
    redactor = Redactor()
    for line in LOOK_ALIKES.splitlines():
        assert redactor.hide(line) == line
    assert not redactor.hidden
    assert not redactor.knows_any


def test_code_stays_readable_around_a_value() -> None:
    hide = Redactor().hide
    assert hide('password = "tulip7-Zq!x9"  # old') == 'password = "<SECRET:password:1>"  # old'
    assert hide("postgres://ada:otter4Lmq9@db/x") == "postgres://ada:<SECRET:password:2>@db/x"
    assert hide('{"api_key": "k3J9x0Qm2Lz7", "n": 1}') == '{"api_key": "<SECRET:key:1>", "n": 1}'


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("DB_PASS=Summer2024", "Summer2024"),
        ("export DB_PASSWORD=a^b&c1;d", "a^b&c1;d"),
        ("password: hunter2x9", "hunter2x9"),
        ("<password>S3cr3t!pw3</password>", "S3cr3t!pw3"),
        ('<add key="password" value="S3cr3t!pw3"/>', "S3cr3t!pw3"),
        ("machine a.test login ada password blue7sky", "blue7sky"),
        ('os.getenv("DB_PASSWORD", "S3cr3t!pw2")', "S3cr3t!pw2"),
        ('const password: string = "S3cr3t!pw";', "S3cr3t!pw"),
        ("'password' => 'S3cr3t!pw4'", "S3cr3t!pw4"),
        ('password := "S3cr3t!pw5"', "S3cr3t!pw5"),
        ('{\\"password\\": \\"S3cr3t!pw6\\"}', "S3cr3t!pw6"),
        ("redis://:q8Zx0pLm3@cache:6379", "q8Zx0pLm3"),
        ("https://a.test/x?access_token=9Zk3mQ81xLp0Vb72cN&y=1", "9Zk3mQ81xLp0Vb72cN"),
        ("kind: Secret\ntype: Opaque\ndata:\n  plain: bjB0LWgzcmUtcGxz\n", "bjB0LWgzcmUtcGxz"),
        (
            "AKIA" + "Q3WZ7RTXN5VB2KLM,wJ9rXUtnFEMI7K7MDENGbPxRfiCYz4tu8KEYabcd",
            "wJ9rXUtnFEMI7K7MDENGbPxRfiCYz4tu8KEYabcd",
        ),
    ],
)
def test_values_are_told_by_the_names_beside_them(text: str, secret: str) -> None:
    redactor = Redactor()
    hidden = redactor.hide(text)
    assert secret not in hidden
    assert redactor.restore(hidden) == text


def test_a_key_is_hidden_line_by_line_however_it_is_quoted() -> None:
    plant, redactor = PLANTED["private key"], learned()
    for quoted in (plant.line, plant.line.replace("\n", "\\n"), plant.line.replace("\n", "\n    # ")):
        hidden = redactor.hide(quoted)
        assert_hidden(plant, hidden)
        assert "BEGIN RSA PRIVATE KEY" in hidden
        assert redactor.restore(hidden) == quoted
        assert {match[2] for match in TOKEN.finditer(hidden)} == {"1"}
    assert redactor.hidden == {"private key": 1}


def test_the_same_secret_has_the_same_token_everywhere() -> None:
    redactor = learned()
    secret = PLANTED["password"].secret
    first = redactor.hide(f'password = "{secret}"')
    assert redactor.hide(f"is {secret} any good?") == f"is {TOKEN.search(first)[0]} any good?"  # type: ignore[index]
    assert redactor.hide(f'password = "{secret}"') == first


def test_numbers_follow_the_order_of_the_context_whatever_is_sent_first() -> None:
    text = 'password = "tulip7-Zq!x9"\npassword = "maple3-Wv!k2"\n'
    redactor = learned(text)
    assert redactor.hide('password = "maple3-Wv!k2"') == 'password = "<SECRET:password:2>"'
    assert redactor.hidden == {"password": 1}


# --- parts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PLANTED)
def test_no_twelve_characters_of_a_known_secret_pass(kind: str) -> None:
    plant, redactor = PLANTED[kind], learned()
    secret = plant.secret
    for size in (12, 14, 30):
        for start in range(plant.shared, len(secret) - size + 1):
            text = f"out: ...{secret[start : start + size]}... and so on"
            hidden = redactor.hide(text)
            assert_hidden(plant, hidden)
            assert redactor.restore(hidden) == text


@pytest.mark.parametrize("kind", PLANTED)
def test_a_cut_anywhere_leaves_no_more_than_nine_characters(kind: str) -> None:
    plant, redactor = PLANTED[kind], learned()
    secret = plant.secret
    for cut in range(0, len(secret), 1 if len(secret) < 200 else 17):
        assert_hidden(plant, redactor.hide(f"{secret[:cut]}\n[... cut ...]\n"))
        tail = secret[cut:]
        if len(tail) >= 10 and cut >= plant.shared:
            assert tail not in redactor.hide(f"[... cut ...]{tail}\n")


def test_the_beginning_that_all_of_a_kind_have_is_no_secret() -> None:
    redactor = learned()
    text = "keys begin with sk-" + "ant-api03- and gh" + "p_, tokens with eyJhbGciOi"
    assert redactor.hide(text) == text


@pytest.mark.parametrize("size", [1, 13, 1000, 65_536, 100_000])
def test_secrets_are_learned_across_the_cuts_of_the_context(size: int) -> None:
    chosen = random.Random(5)
    lines = [plant.line for plant in PLANTED.values()] * 3
    chosen.shuffle(lines)
    text = "\n".join(f"{'some words, and more of them ' * chosen.randrange(400)}\n{line}" for line in lines)
    text = text[:3_000] if size == 1 else text
    whole, cut = learned(text), learned(text, size)
    assert cut._known.keys() == whole._known.keys()
    assert [known.name for known in cut._known.values()] == [known.name for known in whole._known.values()]


# --- tokens that nobody gave out ----------------------------------------------------------------------------------


def test_a_token_in_the_text_itself_means_nothing_and_comes_back() -> None:
    redactor = learned('password = "tulip7-Zq!x9"\n')
    text = 'see <SECRET:password:1> and <SECRET:password:9>: password = "tulip7-Zq!x9"'
    hidden = redactor.hide(text)
    assert hidden == 'see <SECRET:text:1> and <SECRET:text:2>: password = "<SECRET:password:1>"'
    assert redactor.restore(hidden) == text
    assert redactor.hidden == {"password": 1}


def test_only_tokens_that_were_given_out_are_taken_for_secrets() -> None:
    redactor = learned('password = "tulip7-Zq!x9"\n')
    for text in ("<SECRET:password:1>", "<SECRET:password:2>", "<SECRET:password:1:0-12>", "<SECRET::>", "<SECRET:"):
        assert redactor.restore(text) == text
    redactor.hide("tulip7-Zq!x9")
    assert redactor.restore("<SECRET:password:1> <SECRET:password:1:0-12>") == "tulip7-Zq!x9 <SECRET:password:1:0-12>"


# --- any text -----------------------------------------------------------------------------------------------------

_bits = st.one_of(
    st.sampled_from([plant.line for plant in PLANTED.values()]),
    st.sampled_from([plant.secret for plant in PLANTED.values()]),
    st.builds(
        lambda secret, cut, length: secret[cut : cut + length],
        st.sampled_from([plant.secret for plant in PLANTED.values()]),
        st.integers(0, 60),
        st.integers(1, 40),
    ),
    st.sampled_from(["<SECRET:key:1>", "<SECRET:text:1>", "<SECRET:", "<SECRET:password:1:0-12>", ">", "-----BEGIN "]),
    st.text(max_size=12),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_bits, max_size=12), st.sampled_from(["", "\n", " ", '"']), st.booleans())
def test_what_is_hidden_comes_back_as_it_was(bits: list[str], between: str, knows: bool) -> None:
    redactor = learned() if knows else Redactor()
    text = between.join(bits)
    hidden = redactor.hide(text)
    assert redactor.restore(hidden) == text
    assert redactor.hide(text) == hidden
    if knows:
        for plant in PLANTED.values():
            assert plant.secret not in hidden


def test_half_a_surrogate_pair_is_no_obstacle() -> None:
    redactor, text = Redactor(), '\ud800 password = "tulip7-Zq!x9"'
    assert redactor.restore(redactor.hide(text)) == text


def test_many_threads_agree_on_the_tokens() -> None:
    redactor = Redactor()
    lines = [f'password = "tulip{number}-Zq!x{number * 7}"' for number in range(200)]
    hidden: list[list[str]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def work(mine: list[str], seed: int) -> None:
        mixed = list(lines)
        random.Random(seed).shuffle(mixed)
        start.wait(20)
        found = {line: redactor.hide(line) for line in mixed}
        mine += [found[line] for line in lines]

    threads = [threading.Thread(target=work, args=(mine, seed)) for seed, mine in enumerate(hidden)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(map(tuple, hidden))) == 1
    assert len(set(hidden[0])) == 200
    assert [redactor.restore(line) for line in hidden[0]] == lines
    assert redactor.hidden == {"password": 200}


# --- what it costs ------------------------------------------------------------------------------------------------


def test_a_prompt_with_tokens_is_not_longer_than_the_budget_expects() -> None:
    """Even where there is nothing else: a file of settings with a password in each line."""
    chosen = random.Random(3)
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    lines = [f'service_{n}_password = "{"".join(chosen.choices(letters, k=11))}7"' for n in range(300)]
    for text in ("\n".join(lines), ALL):
        assert count_tokens(learned(text).hide(text)) < count_tokens(text) * _TOKENIZER_MARGIN


def test_a_beginning_that_overlaps_another_hides_nothing() -> None:
    key = "sk" + "-Zk3mQ81xLp0Vb72c" + "ATAT" + "T3Blbk" + "FJ" + "m3Qx81Zk0LpVb72cWn5t"
    assert [span.kind for span in spans_in(f'ask("{key}")'.encode())] == ["OpenAI key"]
    assert list(Redactor().hide(f'ask("{key}")')) == list('ask("<SECRET:openai-key:1>")')


def test_needles_are_found_with_their_blocks_across_cuts() -> None:
    needles = Needles([b"needle", b"need", b"pin"])
    text = b"." * 97 + b"needle" + b"." * 90 + b"pin" + b"need"
    found = [(first, last, words) for first, last, words in needles.blocks(text, size=100)]
    assert found == [(0, 100, {b"needle"}), (100, 200, {b"pin", b"need"})] or found == [
        (0, 100, {b"needle"}),
        (100, 200, {b"pin"}),
    ]


def test_hostile_text_is_searched_at_once() -> None:
    """Ends at all: beginnings without end, each as often as they fit."""
    beginnings = ["password=", 'password="', "eyJaaaaaaaaaa.", "://a:", "-----BEGIN PRIVATE KEY-----", "kind: Secret\n"]
    for beginning in [
        *beginnings,
        "Bearer a",
        "<SECRET:a:1>",
        "token: a1",
        "AKIA",
        "data:\n  a: b\n",
        "login a password ",
    ]:
        for parting in ("", " ", "\n", "a" * 30 + " "):
            text = (beginning + parting) * (200_000 // len(beginning + parting))
            redactor = learned(text)
            assert redactor.restore(redactor.hide(text)) == text


def test_spans_keep_to_where_they_are_asked_for() -> None:
    text = ALL.encode()
    whole = [*spans_in(text)]
    middle = whole[len(whole) // 2].start
    assert [*spans_in(text, 0, middle), *spans_in(text, middle)] == whole
