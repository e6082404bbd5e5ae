"""Words that say that something is no finding: safe, a false positive, `no critical issues`; in a few languages.

Covered: sentences, verdicts, headings over what was ruled out. What goes on with `but` denies nothing of what follows.
"""

import re
from typing import Any

_DENIALS = re.compile(
    r"\b(?:is|are|was|were|am)?(?:n[o'\u2019]t| not) (?:\w+ ){0,2}?(?:vulnerable|exploitable|affected"
    r"|reachable|an? (?:\w+ )?"
    r"(?:vulnerability|issue|problem|finding|bug|flaw|concern|risk)|(?:critical|high|medium|low)\b)"
    r"|\bno (?:(?!longer)[\w-]+[ /]){0,3}?(?:issues?|vulnerabilit(?:y|ies)|findings?|problems?|bugs?|flaws?|concerns?|"
    r"risks?|injections?|severity)\b"
    r"|\b(?:is|are|was|were|looks?|appears?|seems?|considered|deemed|be|remains?) (?:\w+ly |also |all "
    r"|all right|both )?"
    r"(?:safe|fine|benign|harmless|ok|okay|secure|correct|acceptable|intentional|unproblematic|not an? )\b"
    r"|\bfalse[- ]positives?\b|\bruled out\b|\bdismissed\b|\blook-?alikes?\b|\bnon-issues?\b|\bsafe because\b"
    r"|\balready (?:fixed|mitigated|patched|handled|escaped)\b|\bnothing (?:wrong|to report|found)\b"
    r"|\bis (?:\w+ly )?(?:parameteri[sz]ed|escaped|saniti[sz]ed|a constant|constant)\b"
    r"|\buses (?:\w+ ){0,2}(?:parameteri[sz]ed|bound|placeholders?)\b"
    r"|(?<!not )(?<!never )(?<!n't )(?<!without being )\b(?:properly|correctly|safely) (?:\w+ )?"
    r"(?:escaped|parameteri[sz]ed|saniti[sz]ed|validated|quoted|handled|bound|checked)\b"
    r"|\bkeine? (?:\w+ ){0,2}(?:schwachstellen?|probleme?|lücken?|befunde?|gefahr|risiko)\b|\bunbedenklich\b"
    r"|\bist (?:\w+ )?sicher\b|\bnicht (?:verwundbar|ausnutzbar|anfällig)\b|\bpas (?:\w+ )?vulnérable"
    r"|\baucune? (?:\w+ )?"
    r"(?:vulnérabilité|problème|faille)|\bno es (?:\w+ )?vulnerable|\bes segur[oa]\b|\bning[úu]n[oa]? (?:\w+ )?"
    r"(?:vulnerabilidad|problema)|問題(?:は)?(?:ない|なし|ありません)|没有(?:发现)?(?:问题|漏洞)|安全(?:です|である"
    r"|的)",
    re.IGNORECASE,
)
_VERDICT_OF_NONE = re.compile(
    r"^\W{0,8}(?:safe|ok|okay|fine|benign|harmless|none|n/?a|no|false|reviewed|checked|dismissed|refuted"
    r"|rejected|ignored|"
    r"not vulnerable|not exploitable|not a \w+|look-?alikes?|false[- ]positives?|non-?issues?|sicher|unbedenklich|"
    r"clean|passed?|secure|mitigated|fixed|resolved|ruled out|not affected|no issues?)\b(?! (?:and|but|only) )"
    r"|[-\u2013\u2014:(\[]\s{0,2}\W{0,3}(?:safe|ok|okay|benign|not vulnerable|false[- ]positive|fine"
    r"|no issues?)\b\W{0,4}$"
    r"|\u2705|\u2714|^\W{0,8}~~",
    re.IGNORECASE,
)
_YET = re.compile(r"\b(?:but|however|except|apart from|besides|although|other than|yet|aber|außer)\b", re.IGNORECASE)
_ASIDE = re.compile(
    r"^\W{0,8}(?:\d{1,3}[.)]\s)?(?:(?:reviewed|verified|checked|considered|known|confirmed|also|what is"
    r"|what's|things?)\W{1,4}"
    r"(?:\w+\W{1,3}){0,4})?(?:safe|not vulnerable|false[- ]positives?|non[- ]?(?:issues?|findings?|vulnerabilities)|"
    r"look-?alikes?|dismissed|ruled[- ]out|rejected|refuted|cleared|benign|mitigated|already (?:fixed|mitigated)|"
    r"good practices?|positives?|strengths?|no issues?|not (?:reported|findings?|issues?|affected)|fixed|done well|"
    r"references?|methodology|method|recommendations?|next steps|scope|files (?:reviewed|read|checked)|coverage|"
    r"summary of (?:fixes|recommendations)|what (?:is|was) (?:done )?(?:well|fine|safe)|unbedenklich"
    r"|sicher|empfehlungen)\b",
    re.IGNORECASE,
)


def denies(text: str) -> bool:
    """Tell whether a sentence says that there is nothing, and does not go on to what there is."""
    denial = _DENIALS.search(text)
    return denial is not None and _YET.search(text, denial.end()) is None


def what_is_left(text: str) -> str:
    """Return a text without what it says that there is not: `no critical issues, but two high ones`."""
    denial = _DENIALS.search(text)
    yet = _YET.search(text, denial.end()) if denial is not None else None
    return text[yet.end() :] if yet is not None else text


def is_none(verdict: Any) -> bool:
    """Tell whether a verdict, a status or a severity says that it is no finding."""
    if isinstance(verdict, bool):
        return not verdict
    return isinstance(verdict, str) and (_VERDICT_OF_NONE.search(verdict[:300]) is not None or denies(verdict[:300]))


def leads_aside(heading: str) -> bool:
    """Tell whether what follows a heading or an introduction is no list of findings."""
    return (_ASIDE.search(heading[:300]) is not None and _YET.search(heading[:300]) is None) or denies(heading[:1_000])
