"""JUnit's XML: each finding is a test that failed; a run without any is one that passed.

Covered: what is reported; a run that is not complete is an error, and never a test that passed. Counts of what is
known, refuted and withheld, cost and coverage are properties.
"""

import re
from xml.etree import ElementTree

from rlm_cli.amounts import cost
from rlm_cli.finding_words import check_words, count_words, coverage_words, incomplete_words, rule_words
from rlm_cli.places import has_own_lines, place_name
from rlm_cli.report import Report
from rlm_cli.results import Finding
from rlm_cli.safe_text import safe, safe_line

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write."""


def render_junit(report: Report) -> str:
    """Return one document with one suite."""
    reported, result = report.sifted.reported, report.result
    incomplete = incomplete_words(result)
    cases = [_failed(report, each) for each in reported]
    if incomplete is not None:
        cases.insert(0, _case("the whole run", "rlm", ("error", incomplete, "incomplete", _about(report))))
    if not cases:
        cases.append(_case("no findings", "rlm", None))
    suite = ElementTree.Element(
        "testsuite",
        name="rlm",
        tests=str(len(cases)),
        failures=str(len(reported)),
        errors=str(int(incomplete is not None)),
        skipped="0",
        time=f"{result.elapsed_seconds:.3f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(report).items():
        ElementTree.SubElement(properties, "property", name=name, value=_line(value))
    suite.extend(cases)
    ElementTree.SubElement(suite, "system-out").text = _text(_about(report))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def _failed(report: Report, finding: Finding) -> ElementTree.Element:
    place = place_name(finding.place)
    code = "\n".join(f"    {line}" for line in finding.quote.split("\n"))
    text = f"{place}\n{code}\n\n{finding.message.strip()}\n\n{check_words(finding)}"
    if finding.reason:
        text += f": {finding.reason}"
    kind = f"{finding.severity}, {rule_words(finding)}"
    case = _case(f"{finding.title} ({place})", f"rlm.{finding.rule_id}", ("failure", finding.title, kind, text))
    case.set("file", _line(finding.path))
    if has_own_lines(report.task.context.document(finding.path)):
        case.set("line", str(finding.line))
    return case


def _case(name: str, group: str, failed: tuple[str, str, str, str] | None) -> ElementTree.Element:
    """Return a test; `failed` is an element's tag, its message, its type and its text."""
    case = ElementTree.Element("testcase", name=_line(name), classname=_line(group))
    if failed is not None:
        tag, message, kind, text = failed
        ElementTree.SubElement(case, tag, message=_line(message), type=_line(kind)).text = _text(text)
    return case


def _properties(report: Report) -> dict[str, str]:
    result = report.result
    coverage = {} if result.coverage is None else {"coverage": coverage_words(result.coverage)}
    return {
        "run": report.task.run_id,
        "status": result.status,
        "stop_reason": result.stop_reason,
        "cost": cost(result.usage.cost_usd),
        **coverage,
    }


def _about(report: Report) -> str:
    result = report.result
    lines = [count_words(report.sifted, result.rejected_findings), incomplete_words(result)]
    lines.append(None if result.coverage is None else coverage_words(result.coverage))
    return "\n".join(line for line in lines if line)


def _text(text: str) -> str:
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", safe(text))


def _line(text: str) -> str:
    return _text(safe_line(text))
