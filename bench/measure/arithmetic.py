"""The sums behind the figures. bench/measure_test.py holds them to values worked out by hand."""
import math
import statistics


def quantile(values, part):
    """Of the values in order, the first that at least `part` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def spread(values):
    """(least, median, most) of those that are there; None where none is."""
    present = [value for value in values if value is not None]
    return (min(present), statistics.median(present), max(present)) if present else None


def ratios(numerators, denominators):
    """Round by round: contenders take turns, so the rounds of one number saw the same machine."""
    return [None if above is None or not below else above / below for above, below in zip(numerators, denominators)]


def slope(points):
    """Of the straight line through (x, y) that leaves the least squares."""
    mean_x, mean_y = (statistics.fmean(column) for column in zip(*points))
    width = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / width if width else 0.0


def growth_of_last_half(points):
    """How much y rises over the second half of the points, by the line through them."""
    half = points[len(points) // 2:]
    return slope(half) * (half[-1][0] - half[0][0]) if len(half) > 1 else 0.0
