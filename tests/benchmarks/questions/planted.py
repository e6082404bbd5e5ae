"""What is planted in the contract, paragraph by paragraph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """A paragraph that matters."""

    key: str
    section: int
    """In which section of the contract it stands, from 1."""
    text: str


OBLIGATIONS = (
    Planted(
        "dredging",
        24,
        "The Operator shall have the approach channel surveyed by an independent hydrographer and lodge the survey "
        "with the Harbour Master by 31 March 2027. For each week, begun or completed, by which it is late, it pays the "
        "Employer EUR 41,500.",
    ),
    Planted(
        "licence",
        61,
        "No crane may be put into commercial service before the terminal licence has been granted. It is for the "
        "Operator to file the complete application, which has to be with the authority not later than 15 September "
        "2026; should "
        "it be filed after that day, the Operator forfeits its start-up bonus of EUR 780,000 in full.",
    ),
    Planted(
        "training",
        104,
        "Two hundred and ten drivers and lashers are to have passed the examination of Schedule 7 when the third berth "
        "opens. The Terminal Company accordingly completes their training on or before 1 June 2028, and owes the "
        "Employer EUR 3,200 for every person who is then missing.",
    ),
    Planted(
        "piles",
        33,
        "The Contractor shall have driven all piles of the eastern quay wall by 30 November 2026, failing which it "
        "pays liquidated damages of EUR 22,000 for every day of delay.",
    ),
    Planted(
        "substation",
        72,
        "The substation is energised by the Contractor on or before 14 February 2027. The Contract Price is reduced by "
        "EUR 150,000 for each full week after that.",
    ),
    Planted(
        "asbuilt",
        118,
        "As-built drawings in three copies are delivered by the Contractor by 31 October 2028; until they are complete "
        "the Employer holds back EUR 600,000.",
    ),
    Planted(
        "land",
        15,
        "The Employer shall give vacant possession of plot 9 by 1 May 2026 and reimburses the Contractor with EUR "
        "9,800 for each day on which any part of it cannot be entered.",
    ),
    Planted(
        "rail",
        88,
        "By 20 December 2027 the Employer connects the terminal to the railway, and credits the Operator with EUR "
        "12 for "
        "each container that has to be carried by road after that day.",
    ),
)
OPERATORS: dict[str, tuple[str, tuple[str, ...]]] = {
    "dredging": ("31 March 2027", ("41,500",)),
    "licence": ("15 September 2026", ("780,000",)),
    "training": ("1 June 2028", ("3,200",)),
}
OTHERS = ("30 November 2026", "14 February 2027", "31 October 2028", "1 May 2026", "20 December 2027")
REST = (
    Planted(
        "alias",
        3,
        '"Terminal Company" means the Operator from the day on which the first berth has been handed over to it.',
    ),
    Planted(
        "completion",
        2,
        '"Completion" means the issue by the Engineer of the certificate of final acceptance for the whole of the '
        "Works, and the defects period begins with it.",
    ),
    Planted(
        "completion again",
        97,
        "The storage charges in this Schedule end with Completion, that is, when the last of the cranes has been "
        "set down "
        "on the quay.",
    ),
    Planted(
        "payment",
        19,
        "The Employer pays the amount of each certified invoice within thirty (30) days of its receipt. Interest runs "
        "from the day after.",
    ),
    Planted(
        "payment again",
        112,
        "Invoices under this Agreement, of whatever kind, fall due for payment by the Employer sixty (60) days "
        "after the "
        "end of the month in which they were certified.",
    ),
    Planted(
        "cap",
        40,
        "The total liability of the Contractor under or in connection with this Agreement, on whatever ground, is "
        "limited to EUR 12,000,000, save for intent and gross negligence.",
    ),
    Planted(
        "amended cap",
        128,
        'In Clause 40 the words "EUR 12,000,000" are deleted and replaced by "EUR 18,500,000 in each year of the '
        'term". All other provisions of that Clause stay as they are.',
    ),
    Planted(
        "unusual",
        54,
        "Should the Employer change its name or legal form, the Contractor's background software, including all "
        "that it "
        "has developed for others, passes to the Employer without payment and without any further act.",
    ),
)
