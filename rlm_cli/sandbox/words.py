"""Which attribute names source code may use: one table for the policy (compile time) and the guards (run time)."""

from RestrictedPython.transformer import INSPECT_ATTRIBUTES

FORBIDDEN = frozenset(INSPECT_ATTRIBUTES) | {"f_lasti", "f_lineno", "tb_lasti", "ag_running"}
"""Attributes that lead to frames, and from there to everything."""

WATCHED = frozenset("evaluate format format_map mro now ntpath obj parser register today utcnow".split())
"""Ordinary names that mean something else on some objects; the object decides, at run time."""

LABELS = frozenset({"__name__", "__qualname__", "__doc__"})
"""Dunder attributes that hold a string; reading one goes through a guard that makes sure it does."""

SHARED = frozenset({"_asdict", "_replace", "_fields", "_make", "_field_defaults", "_attributes", "_value_", "_name_"})
"""Underscore names that are public: of namedtuples, ast nodes and enum members."""

METHODS = frozenset(
    f"__{name}__"
    for name in """
    init post_init str repr format bytes bool hash len length_hint iter next reversed contains getitem setitem delitem
    missing call enter exit copy deepcopy index int float complex round trunc floor ceil abs neg pos invert
    eq ne lt le gt ge add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv
    mod rmod imod divmod rdivmod pow rpow ipow matmul rmatmul imatmul and rand iand or ror ior xor rxor ixor
    lshift rlshift ilshift rshift rrshift irshift sizeof
    """.split()
)
"""What a class may define, and reach in its parent by `super()`."""

CLASS_NAMES = METHODS | {"__slots__", "__doc__", "__hash__"}
"""Dunder names that may be bound and read in the body of a class."""

INSTEAD = {
    "__dict__": "use vars(x)",
    "__members__": "use list(TheEnum)",
    "__annotations__": "use dataclasses.fields(x)",
    "__traceback__": "print the exception itself; an uncaught one shows its line",
    "__cause__": "keep the first exception in a variable",
    "__context__": "keep the first exception in a variable",
    "__wrapped__": "keep the undecorated function under a name of its own",
    "__new__": "define __init__",
    "__getattr__": "define a method or a property",
    "__getattribute__": "define a method or a property",
    "__setattr__": "define a method or a property",
    "__del__": "use try/finally or a context manager",
    "__class_getitem__": "inherit from typing.Generic",
    "__init_subclass__": "use a class decorator",
    "__import__": "use an import statement",
    "__init__": "inside a class write super().__init__(...)",
    "__next__": "write next(x)",
    "__iter__": "write iter(x)",
    "__len__": "write len(x)",
    "__str__": "write str(x)",
    "__repr__": "write repr(x)",
    "__getitem__": "write x[...]",
    "__setitem__": "write x[...] = value",
    "__contains__": "write `each in x`",
    "__call__": "write x(...)",
    "__eq__": "write x == y",
    "__hash__": "write hash(x)",
    "__enter__": "use a with statement",
    "__exit__": "use a with statement",
    "__file__": "there are no files here",
    "__mro__": "use isinstance and issubclass",
    "__bases__": "use isinstance and issubclass",
    "__match_args__": "match by keywords: case Point(x=a, y=b)",
    "__get__": "use property",
    "__set__": "use property",
    "__set_name__": "use property",
    "__dataclass_fields__": "use dataclasses.fields(x)",
    "__code__": "keep the source in a text",
    "__self__": "keep the object in a variable",
    "__func__": "write Class.method",
}


def is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and len(name) > 4


def is_watched(name: str) -> bool:
    """Say whether the object decides about this attribute."""
    return name.startswith("_") or name in WATCHED


def refusal(name: str) -> str:
    """Say that an attribute or a name is out of reach, and what to write instead."""
    instead = INSTEAD.get(name)
    return f"{name!r} is not available here" + (f"; {instead}" if instead else "")
