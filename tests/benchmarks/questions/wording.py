"""The words of a long contract about a container terminal, for contract.py to put together: nothing here is planted.

Periods are relative, and amounts are not tied to days: calendar dates, caps and payment periods are what is planted.
In <angle brackets> stand slots, in {a|b} alternatives.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """What one clause is about."""

    title: str
    actions: tuple[str, ...]
    """What somebody does, after "shall"."""
    remarks: tuple[str, ...]
    """Sentences that stand by themselves."""


PARTIES = ("the Employer", "the Contractor", "the Operator", "each Party", "the Contractor", "the Employer")
CONDITIONS = (
    "within <days> Business Days of being asked to", "without undue delay", "at its own {cost|expense}",
    "before any part of the Works is covered up", "unless the Engineer has {agreed otherwise|given leave} in writing",
    "in so far as this can be done without {hindering|disturbing} the traffic on the quay", "once in every <months> "
    "months",
    "if and for as long as the other Party {so requires|has good reason to ask for it}", "at a reasonable time and "
    "hour",
    "to the extent that the Law {permits|does not forbid} it", "subject to Clause <clause>", "in accordance with "
    "Schedule <schedule>",
    "as soon as the {circumstances|conditions on the Site} allow", "on each occasion on which the {plan|programme} "
    "is changed",
    "having first heard the {Harbour Master|Engineer}", "save where an emergency leaves no time for it",
)  # fmt: skip
RIDERS = (
    "Failure to do so does not of itself {entitle the other Party to terminate|amount to a material breach}.",
    "The cost of this is {deemed to be included in|part of} the Contract Price.",
    "What is said in Clause <clause> {applies|is to apply} here in the same way.",
    "No approval given under this Clause {relieves|releases} the Contractor of any of its duties.",
    "In case of doubt the {decision|determination} of the Engineer prevails until it is revised under Clause <clause>.",
    "The Parties {record|acknowledge} that they have discussed this provision and that neither of them drew it up "
    "alone.",
    "This {does not extend|has no application} to temporary works.",
    "Any notice under this paragraph is to be {in writing|signed by the representative} and takes effect on receipt.",
    "A period that would end on a day which is not a Business Day ends on the next one.",
    "The other Party {may|is entitled to} have the matter done by others where this has been asked for twice in vain.",
    "Copies are {sent|handed} to the Engineer and to the insurers.",
    "The right lapses if it has not been {used|exercised} within <months> months of the event.",
    "Nothing in this Clause {limits|restricts} the powers of a competent authority.",
    "The Parties share what it costs in equal parts, if the inspection {shows no defect|finds everything in order}.",
)  # fmt: skip
TOPICS = (
    Topic("Access to the Site", (
        "give {unhindered|free} access to the parts of the Site shown in Schedule <schedule>",
        "keep the access roads {clear|passable} for emergency vehicles",
        "issue badges to all persons who {enter|work on} the Site, and withdraw them when they leave",
        "{mark|fence} the areas that must not be entered while a crane is moving",
        "{tell|inform} the Harbour Master of any work within <metres> metres of the quay edge",
    ), (
        "Possession of the Site is given in parts, and none of these gives an exclusive right.",
        "Persons without a badge are escorted, and their names are entered in the book kept at gate <number>.",
        "Divers enter the water only with the written leave of the Harbour Master, whatever the programme says.",
    )),
    Topic("Programme", (
        "submit a {revised|corrected} programme that shows the order and the time of all activities",
        "show in the programme the {float|reserve} of each activity and who may use it",
        "report each month on the progress made, with <number> photographs of each area",
        "give {early warning|notice} of anything that may put back a key date",
        "attend a meeting of planners in each week in which a ship is expected",
    ), (
        "Float belongs to the project and is used by whoever needs it first.",
        "A programme that has been accepted is no evidence that it can be kept.",
        "The level of detail is that of activities of not more than <days> days.",
    )),
    Topic("Cranes and lifting equipment", (
        "test each crane with <percent> per cent of its rated load before it is {used|taken into use}",
        "keep a {log|record} of the hours, faults and repairs of every crane",
        "replace ropes that show more than <number> broken wires over a length of six diameters",
        "secure the cranes when the wind is {expected|forecast} to rise above <number> metres a second",
        "let only persons with a certificate of class <number> {drive|operate} the cranes",
    ), (
        "Rated loads are those at an outreach of <metres> metres and with the spreader in place.",
        "Spare parts that take longer than <weeks> weeks to be had are kept in the store from the beginning.",
        "The drives are laid out for a design life of <number> thousand hours.",
    )),
    Topic("Quality", (
        "apply a system of quality management that {meets|satisfies} the standards in Schedule <schedule>",
        "{keep|preserve} the records of all tests for the life of the equipment",
        "invite the Engineer to inspections at the makers' works, with <days> Business Days' notice",
        "open up work that was covered before it could be {seen|inspected}",
        "correct each nonconformity and say {what caused it|how it will not come again}",
    ), (
        "Hold points are released by the Engineer in writing, and not by silence.",
        "Weld inspectors are independent of those who weld and of those who are paid by the metre.",
        "A concession once granted is no precedent for another.",
    )),
    Topic("Staff", (
        "employ on the Site only persons who are {qualified|trained} for what they do",
        "replace a person whom the Engineer has {objected to|found unsuitable} for good reason",
        "pay wages not lower than those of the collective agreement {in force|that applies} at the port",
        "provide quarters, water and transport for staff who come from further than <kilometres> kilometres",
        "name a representative who can be reached at {any hour|all times}",
    ), (
        "Key persons are listed in Schedule <schedule> and may not be given other work.",
        "Nobody works longer than <number> hours at a stretch, standby included.",
        "The Parties do not entice away each other's staff during the term and <months> months beyond.",
    )),
    Topic("Health and safety", (
        "carry out an assessment of {risks|hazards} for each method of work, and go through it with those concerned",
        "provide a first-aid post with <number> trained persons on each shift",
        "report every accident that leads to an absence, and every near miss of the kinds listed in Schedule "
        "<schedule>",
        "stop work that puts anyone in {danger|peril}, whoever ordered it",
        "hold a drill with the fire brigade of the port in each {season|half-year}",
    ), (
        "Anyone may stop a dangerous operation, and nobody suffers for having done so in good faith.",
        "Helmets, vests and boots are worn everywhere outside the vehicles and offices.",
        "Work at a height of more than <metres> metres needs a permit for the day.",
    )),
    Topic("Environment", (
        "measure dust and noise at the points {shown|marked} in Schedule <schedule>",
        "dispose of dredged material only at the places that the {permit|licence} names",
        "keep booms and absorbents ready for <number> cubic metres of oil",
        "limit night work that is heard in the {village|settlement} east of the port",
        "restore the reed beds in so far as they have been {used|crossed}",
    ), (
        "Ballast water is not taken in or let out within the basin.",
        "Between the beginning of the breeding season and its end no piles are driven west of berth <number>.",
        "The baseline survey is part of the contract documents, though not of the Contract Price.",
    )),
    Topic("Software and control systems", (
        "deliver the control software with {its|all} documentation, tools and test scripts",
        "deposit the source code with an escrow agent {acceptable|agreeable} to both sides",
        "correct faults of class <number> within <hours> hours of the report",
        "keep the interfaces of Schedule <schedule> {stable|unchanged} for the term",
        "close weaknesses that have become known within <days> days, or say {what protects in the meantime|why not}",
    ), (
        "Remote access passes through one gateway only, is logged and can be cut off at the terminal.",
        "A fault is of class 1 where a crane cannot be moved safely, of class 2 where it can be moved by hand only.",
        "The data of the terminal belong to whoever runs it; their form is that of Schedule <schedule>.",
    )),
    Topic("Insurance", (
        "take out {construction|erection} all risks insurance for the full value of the Works",
        "show that the premiums {have been|are} paid",
        "bear the excess of each claim that is {caused|brought about} by its people",
        "name the others as co-insured, each for its {rights|interest}",
        "{notify|tell} the insurers of any change of risk",
    ), (
        "Insurers are to have a rating of at least A minus, and lose their place when it falls.",
        "Proceeds go into making good the damage before they go anywhere else.",
        "Each policy contains a waiver of subrogation among those insured.",
    )),
    Topic("Variations", (
        "price each variation by the rates in Schedule <schedule>, and by {comparison|analogy} where there is none",
        "begin with a varied item only {on instruction|once it is instructed} in writing",
        "say within <days> Business Days what a variation would {do to|mean for} time and money",
        "keep daily sheets of labour, plant and materials where work is {paid by the day|measured by time}",
        "propose ways of doing the same for less, and share the {saving|gain} by halves",
    ), (
        "Omitting work in order to have it done by others is not a variation.",
        "Prices carry an addition of <percent> per cent for site costs, and none for head office.",
        "An instruction given by word of mouth counts once it has been confirmed and not contradicted.",
    )),
    Topic("Tests on commissioning", (
        "run each crane for <hours> hours without a stop of more than <number> minutes",
        "move <number> containers an hour over a shift, as {an average|the mean} of three ships",
        "{repeat|run again} a test that has failed, once the cause is known",
        "provide test loads, instruments and {staff|hands}",
        "hand over the results within <days> days, {raw data|readings} included",
    ), (
        "A test interrupted by wind is taken up again where it stopped.",
        "Trial operation is under the direction of those who will run the terminal and at the risk of those who "
        "built it.",
        "Instruments carry a certificate not older than <months> months.",
    )),
    Topic("Defects", (
        "make good every defect that {appears|shows itself} during the defects period",
        "look for the {cause|origin} of a defect that has come three times",
        "carry the cost of removal, transport and {refitting|putting back}",
        "give the same warranty again for parts that were {replaced|renewed}",
        "leave the equipment in use, if that is safe, until the parts have {come|arrived}",
    ), (
        "Fair wear and tear is no defect, nor is what comes from loads above those agreed.",
        "Corrosion of the legs below the waterline is looked at separately in Schedule <schedule>.",
        "A latent defect is one that a careful inspection at taking over would not have found.",
    )),
    Topic("Intellectual property", (
        "grant a licence, {not exclusive|without a limit in time}, to use the drawings for upkeep and repair",
        "defend the others against claims that the equipment {infringes|offends against} a patent",
        "mark confidential documents as {such|confidential}",
        "use photographs of the terminal for advertising only {with consent|when asked and allowed}",
        "obtain the {same rights|rights that this needs} from its subcontractors",
    ), (
        "Drawings may be copied for the use of those who maintain the cranes, and for no other.",
        "What a Party knew before it signed remains its own.",
        "Open source components are listed with their licences in Schedule <schedule>.",
    )),
    Topic("Confidentiality", (
        "keep secret what it {learns|comes to know} of the business of another Party",
        "give such knowledge only to those who {need|must have} it for their work",
        "return or destroy papers when they are {asked back|no longer needed}",
        "tell the others at once of any order of a court to {disclose|lay open} them",
        "bind its advisers and banks in the {same|like} way",
    ), (
        "What is or becomes public without a breach is not confidential.",
        "The duty lasts <number> years beyond the end of this Agreement, for trade secrets as long as they are such.",
        "Tariffs filed with the port authority are public from the moment of filing.",
    )),
    Topic("Events beyond control", (
        "{notify|tell} the others within <days> days of an event that it could neither foresee nor avoid",
        "do what can reasonably be done to {lessen|limit} the effects",
        "resume as soon as the event {has passed|is over}",
        "keep the Works safe and {insured|covered} meanwhile",
        "{share|bring out} the plans that it has for such a case",
    ), (
        "Strikes among a Party's own staff are not beyond its control.",
        "Weather is beyond control when it is worse than the worst in <number> years of records at the lighthouse.",
        "If the event lasts for more than <months> months, any Party may end this Agreement by notice.",
    )),
    Topic("Disputes", (
        "try to settle each dispute among {directors|members of the board} before it goes further",
        "name its member of the dispute board within <days> days",
        "go on with its work {in the meantime|while the dispute lasts}",
        "bear its own costs of the {board|procedure}, and half of those of the chair",
        "comply with a decision until it is {set aside|overturned}",
    ), (
        "The board has three members, who visit the Site in each half-year.",
        "The seat of the arbitration is The Hague, and its language is English.",
        "The board may take evidence as it thinks right and is not bound by rules of procedure.",
    )),
    Topic("Berths and traffic", (
        "give each ship a berth in the {order|sequence} of its window",
        "keep berth <number> free for the pilots' launch",
        "{dredge|deepen} in front of the berth to <metres> metres below chart datum",
        "publish the tariff and the {rules|conditions} of the terminal",
        "measure the time from the first line to the {last|final} lift",
    ), (
        "A window is lost when the ship is more than <hours> hours late without word.",
        "Reefers are plugged in within <number> minutes of leaving the ship.",
        "Dangerous goods of class 1 are not kept over night.",
    )),
)  # fmt: skip
GOODS = (
    "hoist rope", "spreader twistlock", "travel motor", "brake disc", "festoon cable", "limit switch", "slew bearing",
    "trolley wheel", "cable reel", "boom hinge pin", "storm anchor", "rail clamp", "hydraulic pump", "lamp, 400 W",
    "anemometer", "frequency converter", "encoder", "fan belt", "gearbox oil", "cab window", "fire extinguisher",
    "fender panel", "bollard, 150 t", "reefer socket", "gate barrier", "drain cover", "access ladder", "buffer",
)  # fmt: skip
TABLES = (
    "Spare parts", "Unit rates", "Inspection plan", "Points of measurement", "Interfaces", "Drawings", "Key persons",
    "Standards", "Tools and vehicles", "Training", "Loads and outreaches", "Documents to be handed over",
)  # fmt: skip
