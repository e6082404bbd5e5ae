"""How amounts read wherever a person sees them: money, and numbers of things. Knows nothing of where they stand."""


def cost(usd: float | None) -> str:
    """Return an amount of USD: to the cent, a small one to a hundredth of it; None is unknown, which is not free."""
    if usd is None:
        return "cost unknown"
    if 0 < usd < 0.0001:
        return "under $0.0001"
    exact = f"{usd:,.4f}"
    return f"${usd:,.2f}" if usd >= 0.1 or exact.endswith("00") else f"${exact}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number of things."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
