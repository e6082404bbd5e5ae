"""For small models, as they run on one's own machine: few names, few rules, two worked examples."""

from rlm_cli.engine.families import parts

EXAMPLES = (
    """\
Search, read, answer:

```repl
grep(r"notice|terminat", ignore_case=True)
```

When they hold the answer:

```repl
FINAL("The notice period is three months (lease.txt:41).")
```""",
    """\
When every part of the text has to be read for its meaning:

```repl
pieces = smart_chunk(context, target_size=40_000)
replies = llm_query_batched(["List each complaint, one a line, or write NONE.\\n\\n" + piece for piece in pieces])
found = [line for reply in replies if reply.ok for line in reply.splitlines() if line.strip() != "NONE"]
print(len(pieces), "pieces,", len([reply for reply in replies if not reply.ok]), "failed,", len(found), "found")
print(found[:20])
```""",
)

SYSTEM = parts.joined(
    parts.TASK,
    parts.FENCE,
    parts.SHOWN,
    parts.names("context", "grep", "smart_chunk", "llm_query_batched", "FINAL"),
    *EXAMPLES,
    "Count and search with Python. Check the result before you answer.",
    parts.HOSTILE,
    parts.LIMITS,
)
