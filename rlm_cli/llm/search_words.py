"""The words of a question that are worth searching for, in any script. Used by the offline models only."""

import re

_MOST = 40
"""Words; a longer question is mostly repetition."""

# Words that stand in nearly every question and say nothing about what it is after.
_STOP_WORDS = """
a about across after all also an and any anything are as ask at be because been before being between both but by can
code codebase context contract could describe did do does document documents doing down each every everything explain
file files find for from get give go had has have having here how i if in into is it its just line lines list look
made make many may me mentioned might more most much must my name named need no nor not now of off on once one only or
other our out over own page pages part place places please question repository same say says see shall she should show
so some something such summarise summarize tell text than that the their them then there these they thing things this
those through to too under until up us use used uses using very was way we were what when where whether which while
who whom whose why will with within without would write you your der die das den dem des ein eine einen einem einer
und oder ist sind war im zu von mit auf für wer wie wo wann welche welcher welches warum nicht alle es wird werden
gibt le la les un une du de et ou est sont dans que qui quoi quel quelle quels quelles où comment pourquoi il elle el
los las una unos unas y o son en por para con qué quién cuál cuáles cómo dónde cuándo и в во не что кто как где когда
на с по за из у к о от до для это этот эта эти есть ли какие какой какая
"""
_STOP = frozenset(_STOP_WORDS.split())
_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}]+")


def search_words(question: str) -> list[str]:
    """Return what to search for, in small letters, in the question's order, each once.

    Endings are cut so that a plain substring search finds other forms. Scripts without spaces give pairs of characters.
    """
    found: dict[str, None] = {}
    for match in _WORD.finditer(question):
        word = match.group().lower()
        if re.match(f"[{_UNSPACED}]", word):
            found |= dict.fromkeys(word[at : at + 2] for at in range(max(1, len(word) - 1)))
        elif word not in _STOP and (len(word) > 1 or word.isdigit()):
            found[_stem(word)] = None
    return list(found)[:_MOST]


def _stem(word: str) -> str:
    if not word.isascii():
        return word[:-1] if len(word) > 6 else word
    for ending, least in (("ing", 7), ("ies", 6), ("ed", 6), ("es", 6), ("s", 5)):
        if len(word) >= least and word.endswith(ending) and not word.endswith("ss"):
            return word[: -len(ending)]
    return word
