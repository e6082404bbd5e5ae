"""A child that breaks the protocol, in the way that the name of the file it is started under says."""

import json
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

end = socket.socket(fileno=int(sys.argv[1]))
lie = Path(__file__).stem


def hear() -> Any:
    length = struct.unpack(">I", end.recv(4, socket.MSG_WAITALL))[0]
    return json.loads(end.recv(length, socket.MSG_WAITALL)) if length else {}


def say(frame: Any) -> None:
    raw(json.dumps(frame).encode())


def raw(body: bytes) -> None:
    end.sendall(struct.pack(">I", len(body)) + body)


def stop() -> None:
    time.sleep(1000)


READY = {"tag": "ready", "python": "3", "modules": [], "walls": [], "missing": []}
FINISHED = {
    "tag": "finished", "number": 1, "output": "", "characters": 0, "error": None, "final": None,
    "variables": [], "tampered": [], "sizes": [],
}  # fmt: skip
DELEGATED = {"tag": "delegated", "count": 1, "batched": False}
TASK = {"tag": "task", "question": "q", "size": 3, "place": None}
ASKED = {"tag": "asked", "count": 1, "model": None, "batched": False, "fresh": False}

hear()
hear()
if lie == "exits_at_once":
    os._exit(3)
if lie == "ready_with_nonsense":
    say({**READY, "walls": [5]})
    stop()
say(READY)
if lie == "speaks_unasked":
    say(FINISHED)
    hear()
    stop()
hear()
match lie:
    case "exits":
        os._exit(7)
    case "unknown_tag":
        say({"tag": "free money"})
    case "no_tag":
        say({})
    case "no_object":
        say([1])
    case "no_json":
        raw(b"\xff\xfe nonsense")
    case "deep_json":
        raw(b"[" * 200_000)
    case "long_integer":
        raw(b'{"tag": ' + b"9" * 100_000 + b"}")
    case "length_too_large":
        end.sendall(struct.pack(">I", 0xFFFFFFFF))
    case "half_a_frame_then_exit":
        end.sendall(struct.pack(">I", 100) + b"{")
        os._exit(0)
    case "wrong_cell":
        say({**FINISHED, "number": 2})
    case "number_is_true":
        say({**FINISHED, "number": True})
    case "output_is_a_list":
        say({**FINISHED, "output": ["x"]})
    case "output_too_long":
        say({**FINISHED, "output": "x" * 11_000_000})
    case "half_a_surrogate":
        say({**FINISHED, "output": "\ud800"})
    case "answer_after_an_error":
        say({**FINISHED, "error": "x", "final": {"answer": "y", "doubt": None}})
    case "answer_is_no_text":
        say({**FINISHED, "final": {"answer": {"a": 1}, "doubt": None}})
    case "too_many_variables":
        say({**FINISHED, "variables": ["x"] * 2000})
    case "answer_is_blank":
        say({**FINISHED, "final": {"answer": " \n", "doubt": None}})
    case "tampered_is_no_name":
        say({**FINISHED, "tampered": ["x; it was restored\nrlm: error: forged"]})
    case "variable_is_no_name":
        say({**FINISHED, "variables": ["\x1b[2J"]})
    case "too_many_parts":
        raw(b'{"tag": "finished", "output": [' + b'"",' * 1_000_000 + b'""]}')
    case "missing_field":
        say({key: value for key, value in FINISHED.items() if key != "tampered"})
    case "too_many_prompts":
        say({**ASKED, "count": 10_001, "batched": True})
    case "negative_prompts":
        say({**ASKED, "count": -1})
    case "several_in_a_single_call":
        say({**ASKED, "count": 2})
    case "end_in_place_of_a_prompt":
        say(ASKED)
        say(FINISHED)
    case "place_is_a_float":
        say({"tag": "claimed", "place": 1.5, "quote": "x", "final": False})
    case "place_too_long":
        say({"tag": "claimed", "place": "x" * 1001, "quote": "x", "final": False})
    case "quote_too_long":
        say({"tag": "claimed", "place": 1, "quote": "x" * 2001, "final": False})
    case "final_is_no_bool":
        say({"tag": "claimed", "place": 1, "quote": "x", "final": 1})
    case "model_too_long":
        say({**ASKED, "model": "x" * 201})
    case "batch_without_end":
        say({**ASKED, "count": 10_000, "batched": True})
        while True:
            say({"tag": "prompt", "text": "x" * 8_000_000})
    case "too_many_tasks":
        say({**DELEGATED, "count": 10_001, "batched": True})
    case "several_tasks_in_a_single_call":
        say({**DELEGATED, "count": 2})
    case "end_in_place_of_a_task":
        say(DELEGATED)
        say(FINISHED)
    case "prompt_in_place_of_a_piece":
        say(DELEGATED)
        say(TASK)
        say({"tag": "prompt", "text": "x"})
    case "more_text_than_announced":
        say(DELEGATED)
        say(TASK)
        say({"tag": "piece", "text": "xxxx"})
    case "empty_pieces":
        say(DELEGATED)
        say(TASK)
        say({"tag": "piece", "text": ""})
    case "text_without_end":
        say({**DELEGATED, "count": 100, "batched": True})
        while True:
            say({**TASK, "size": 2_000_000})
            say({"tag": "piece", "text": "\U0001f600" * 2_000_000})
    case "size_too_large":
        say(DELEGATED)
        say({**TASK, "size": 1 << 40})
    case "place_before_the_context":
        say(DELEGATED)
        say({**TASK, "place": -1})
    case "place_is_true":
        say(DELEGATED)
        say({**TASK, "place": True})
    case "question_is_a_list":
        say(DELEGATED)
        say({**TASK, "question": ["x"]})
    case "asks_for_ever":
        while True:
            say({"tag": "budget"})
            hear()
    case "reads_no_answer":
        say({**ASKED, "count": 1})
        say({"tag": "prompt", "text": "x"})
    case "silent":
        pass
stop()
