"""The kind `contract`: parties, obligations, conflicts between clauses, deadlines and penalties, unusual terms."""

from rlm_cli.engine.templates.template import Template

TEMPLATE = Template(
    name="contract",
    title="a contract",
    question=(
        "Who are the parties to the agreement, and what are the obligations of each: what to pay and deliver, by which "
        "deadlines, within how many days, with what notice, under which penalties for breach? Which clauses conflict "
        "with one another or with a definition, what ends it (termination, renewal), who bears liability, "
        "indemnity, and which terms are unusual?"
    ),
    needs=(
        "Parties: full names, roles, and every name they go by (`X means the Operator`): duties stand under all.",
        "Obligations: who, what, by when counted from what, penalty, section. Many stand without `shall` (it is for X "
        "to, X completes, is responsible for).",
        "Conflicts: a definition against its use; two periods, sums or laws for one thing; a reference to a section "
        "that is missing or about something else; which prevails (precedence, amendments).",
        "Unusual: one-sided, uncapped, silent renewal, change without consent.",
    ),
    method=(
        "In code: cut at numbered headings; table definitions, references (does the target exist?), periods, sums and "
        "duties (shall, must, agrees, may not) by section; compare those about one thing.",
        "Narrow in code, llm_map over the clauses left: who owes what. Read each pair that may conflict yourself, "
        "exceptions too (`notwithstanding`, `subject to`); cite both sides.",
    ),
    form=(
        "Parties: party, called, role, place",
        "Obligations: party, obligation, deadline, penalty, place",
        "Conflicts: clause, against, difference, prevails",
        "Amended terms: in force, place, replaced, its place",
        "Defined terms: term, defined as, place, used as, place",
        "Unusual terms: term, why, place",
    ),
)
