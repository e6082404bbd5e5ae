"""The code that the offline root model has run, as ordinary Python for the REPL.

It uses the REPL's names (documents, context, llm_query_batched, cite, report_finding, FINAL, SubCallError) and the
constants that offline_root.py puts before it: WORDS, RISKS, OF_A_KIND, MOST_REPORTED, PROMPT, NONE. Names end up in
one namespace, cell after cell. REPORT is there only where findings are asked for.
"""

LOOK = """
docs = list(documents)
print(f"{len(docs):,} document{'s' * (len(docs) != 1)}, {len(context):,} characters")
for each in sorted(docs, key=lambda each: (each.start - each.end, each.path))[:5]:
    print(f"{each.path}: {each.end - each.start:,} characters, {each.lines:,} lines")
"""

SEARCH = r'''
import bisect
import math
import re

MOST_HITS = 200_000     # beyond this many, the most frequent words are left out of the ranking (and named)
SHOWN = 12
BUCKET = 600            # characters that are judged together
REACH = 160             # characters of a quote to each side of a match

docs = list(documents)
starts = [each.start for each in docs]
small = context.replace("\u0130", "i").lower()   # the one letter whose small form is longer


def document_at(offset):
    """Return the document an offset lies in, or None within a header line."""
    each = docs[max(0, bisect.bisect_right(starts, offset) - 1)]
    return each if each.start <= offset < each.end else None


def line_at(offset, each):
    """Return where the line around an offset starts and ends, both within REACH."""
    low, high = max(each.start, offset - REACH), min(each.end, offset + REACH)
    start = context.rfind("\n", low, offset) + 1
    end = context.find("\n", offset, high)
    return (start or low), (high if end < 0 else end)


ASIDE = re.compile(
    r"(^|/)(tests?|docs?|examples?|samples|vendor|node_modules|locale|third_party)/"
    r"|test_|_test\.|[.]min[.]|[.](md|rst|txt|po|lock|svg)$"
)


def unimportant(path):
    return ASIDE.search(path.lower()) is not None


def place(offset, start, end, score, why, rule=None):
    """Return a line as a place; None where nothing is left of it."""
    each = document_at(offset)
    quote = context[start:end].strip()
    if each is None or not quote:
        return None
    at = context.find(quote, start)
    return {"path": each.path, "line": context.count("\n", each.start, at) + 1, "offset": at, "quote": quote,
            "score": score, "why": why, "rule": rule}


def word_hits():
    """Return every (offset, word) to rank by, the words' weights, and the words that are too frequent."""
    counts = {word: small.count(word) for word in WORDS}
    weights = {word: math.log(2 + len(small) / 400 / count) for word, count in counts.items() if count}
    hits, left_out = [], []
    for word in sorted(weights, key=lambda word: (counts[word], word)):
        if len(hits) + counts[word] > MOST_HITS and hits:
            left_out.append(word)
            continue
        at = small.find(word)
        while at >= 0 and len(hits) < MOST_HITS:
            short = word.isascii() and len(word) < 5
            if not short or not (small[at - 1:at].isalnum() if at else False):
                hits.append((at, word))
            at = small.find(word, at + len(word))
        if at >= 0:
            left_out.append(word + " (the rest of it)")
    return hits, weights, left_out


def by_words(most):
    """Return the lines that hold the most, and the rarest, of the words; and how many lines were candidates."""
    hits, weights, left_out = word_hits()
    if left_out:
        print("too frequent to rank by:", ", ".join(left_out))
    buckets = {}
    for at, word in hits:
        buckets.setdefault(at // BUCKET, set()).add(word)

    def worth(words):
        return sum(weights[word] for word in words)

    near = {number: worth(words) + worth(buckets.get(number - 1, set()) | buckets.get(number + 1, set())) / 4
            for number, words in buckets.items()}
    best = set(sorted(near, key=lambda number: (-near[number], number))[:4 * most])
    lines = {}
    for at, word in sorted(hits):
        number = at // BUCKET
        each = document_at(at) if number in best else None
        if each is not None:
            start, end = line_at(at, each)
            for known in [known for known in lines if known <= at < lines[known][1]] if end - start >= REACH else ():
                start, end = known, lines[known][1]
            entry = lines.setdefault(start, (at, end, number, set()))
            entry[3].add(word)
    places = []
    for start, (at, end, number, words) in lines.items():
        score = worth(words) + near[number] / 3
        places.append(place(at, start, end, score, ", ".join(word for word in WORDS if word in words)))
    return [each for each in places if each], len(buckets)


def by_risks():
    """Return the lines that hold a risky construct."""
    places, seen = [], set()
    for needles, pattern, weight, reason, rule in RISKS:
        found = []
        for needle in needles:
            at = context.find(needle)
            while at >= 0:
                each = document_at(at)
                start, end = line_at(at, each) if each is not None else (at, at)
                line = context[start:end]
                comment = line.lstrip().startswith(("#", "//", "*", "/*"))
                if start not in seen and not comment and re.search(pattern, line):
                    seen.add(start)
                    words = sum(word in line.lower() or word in reason.lower() for word in WORDS)
                    score = weight * (1 + words) * (0.2 if unimportant(each.path) else 1)
                    found.append((-score, start, at, end))
                at = context.find(needle, max(at + len(needle), end if each is not None else 0))
        for rank, (score, start, at, end) in enumerate(sorted(found)[:OF_A_KIND]):
            places.append(place(at, start, end, -score / (1 + rank / 4), reason, rule))
    return [each for each in places if each], len(seen)


found, candidates = by_risks() if RISKS else ([], 0)
risky, risky_lines = found, candidates
by = "risky constructs" if found else "words"
if not found:
    found, candidates = by_words(40)
if not WORDS and not RISKS:     # nothing to search for: how the largest documents begin
    by = "position"
    for each in sorted(docs, key=lambda each: (each.start - each.end, each.path))[:5]:
        first = re.compile(r"\S").search(context, each.start, each.end)
        if first:
            start, end = line_at(first.start(), each)
            found.append(place(first.start(), start, end, 1, "first line"))
    candidates = len(docs)
kept, quotes = [], set()
for each in sorted(found, key=lambda each: (-each["score"], each["offset"])):
    if each["quote"] not in quotes:
        quotes.add(each["quote"])
        kept.append(each)
found = kept[:2 * SHOWN]
print(f"{candidates:,} candidates by {by}, {len(found)} kept; searched for: {', '.join(WORDS) or '(no words)'}")
for each in found[:5]:
    print(f"{each['path']}:{each['line']}: {each['quote'][:100]}")
'''

ASK = r'''
ASKED = 8
AROUND = 6              # lines to each side of a place


def piece_of(each):
    """Return the numbered lines around a place, as {number: (offset, line)}, longest lines cut."""
    each_document = document_at(each["offset"])
    first, start = each["line"], each["offset"]
    start = context.rfind("\n", each_document.start, start) + 1 or each_document.start
    start = max(start, each["offset"] - REACH)
    for step in range(AROUND):
        before = context.rfind("\n", each_document.start, max(each_document.start, start - 1))
        if start <= each_document.start or start - before > 20 * REACH:
            break
        start = max(before + 1, each_document.start)
        first -= 1
    lines = {}
    at = start
    for number in range(first, first + 2 * AROUND + 1):
        if at >= each_document.end:
            break
        end = context.find("\n", at, each_document.end)
        end = each_document.end if end < 0 else end
        lines[number] = (at, context[at:min(end, at + 2 * REACH)])
        at = end + 1
    lines[each["line"]] = (each["offset"], each["quote"])
    return lines


pieces, prompts, taken = [], [], set()
for each in found:
    if len(pieces) < ASKED and (each["path"], each["line"] // AROUND) not in taken:
        taken.add((each["path"], each["line"] // AROUND))
        piece = piece_of(each)
        pieces.append((each, piece))
        prompts.append(PROMPT + "\n".join(f"{number}| {line}" for number, (at, line) in sorted(piece.items())))
replies, unanswered = [], ""
try:
    replies = list(llm_query_batched(prompts)) if prompts else []
except SubCallError as error:
    unanswered = str(error)
    try:
        for prompt in prompts:
            replies.append(llm_query(prompt))
    except SubCallError as second:
        unanswered = str(second)
chosen = []
for (each, piece), reply in zip(pieces, replies):
    if not reply.ok:
        unanswered = str(reply.error)
        chosen.append(each)
        continue
    for line in reply.split("\n"):
        number = re.match(r"\s*(\d+)\s*[|:]", line)
        if number and int(number.group(1)) in piece:
            at, text = piece[int(number.group(1))]
            if int(number.group(1)) == each["line"]:
                chosen.append(each)
            elif text.strip() and any(word in text.lower() for word in WORDS) and not RISKS and by != "ast":
                chosen.append({**each, "line": int(number.group(1)), "offset": at + len(text) - len(text.lstrip()),
                               "quote": text.strip(), "why": ", ".join(word for word in WORDS if word in text.lower())})
chosen += [each for each in found if each not in chosen]
'''

NO_ASKING = """
chosen, unanswered = found, "there was no time or room for sub-calls"
"""

ANSWER = r"""
evidence, lines, dropped, known = [], [], 0, set()
for each in chosen:
    if len(lines) == SHOWN or (each["path"], each["line"], each["quote"]) in known:
        continue
    known.add((each["path"], each["line"], each["quote"]))
    try:
        where = cite(each["offset"], each["quote"])
    except ValueError:
        dropped += 1
        continue
    evidence.append((each["offset"], each["quote"]))
    lines.append(f"{where}: {each['quote']} — {each['why']}")

head = "offline profile: no language model; "
searched = ", ".join(WORDS) or "(the question names nothing to search for)"
if RISKS:
    searched = f"{len(RISKS)} kinds of risky constructs, then {searched}"
scope = f"{len(docs):,} document{'s' * (len(docs) != 1)}, {len(context):,} characters; searched for: {searched}."
doubts = ["Lines were chosen by fixed rules; nobody has read or judged them."]
if unanswered:
    doubts.append(f"The sub-model was not asked about all places: {unanswered}.")
if dropped:
    doubts.append(f"{dropped} quotes did not stand where they were thought to be and were dropped.")
if lines:
    answer = "\n".join([head + "a fixed search policy found these lines.", "", *lines, "",
                        f"{len(lines)} of {max(candidates, len(lines)):,} candidates by {by} shown; {scope}"])
else:
    answer = f"{head}a fixed search policy looked and nothing was found. {scope}"
"""

REPORT = r"""
reported, refused = 0, []
for each in sorted(risky, key=lambda each: (-each["score"], each["offset"]))[:MOST_REPORTED]:
    rule, severity = each["rule"]
    reason = each["why"].partition(", ")[2]
    message = f"A fixed pattern matched this line ({each['why']}); no language model has read it."
    try:
        report_finding(rule, reason[:1].upper() + reason[1:], message, each["path"], each["quote"], severity,
                       confidence=0.3, line=each["line"])
        reported += 1
    except ValueError as error:
        refused.append(f"{each['path']}:{each['line']}: {error}")
left = risky_lines - reported - len(refused)
print(f"{reported} risky lines reported as findings, {len(refused)} refused, {left:,} left out")
print(*refused[:5], sep="\n")
if left:
    doubts.append(f"{left:,} more risky lines were found than are reported as findings.")
if refused:
    doubts.append(f"{len(refused)} risky lines were refused as findings.")
"""

GIVE = """
FINAL(answer, evidence=evidence, doubt=" ".join(doubts))
"""
