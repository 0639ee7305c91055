"""How figures are written in the cells of a table."""
from ..arithmetic import ratios, spread


def count(number, what):
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def three(values, digits=0):
    """min / median / max"""
    found = spread(values)
    return " / ".join(f"{value:,.{digits}f}" for value in found) if found else "–"


def each(rounds, name, digits=0):
    return three((figures.get(name) for figures in rounds), digits)


def milliseconds(rounds, name):
    found = spread(figures.get(name) for figures in rounds)
    if not found:
        return "–"
    return f"{found[1] / 1000:.2f}" if found[1] < 10_000 else f"{found[1] / 1000:,.1f}"


def ratio(rounds, others, name, digits):
    """The median over the rounds, each against the other's round beside it."""
    found = spread(ratios([one[name] for one in rounds], [one[name] for one in others])) if others else None
    return f"{found[1]:.{digits}f}" if found else "–"
