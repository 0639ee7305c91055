#!/usr/bin/env python3
"""Writes the shop's data as NDJSON to stdout: the same bytes on every machine and in every year.

usage: seed.py users|categories|products|orders|order_items [--products N] [--orders N]

    python3 seed.py products > products.ndjson
    mettle data load mettle.yaml products products.ndjson

Load in the order of the usage line: each table points to those before it. The ids are chosen here,
so that the rows of one table can name those of another, and so that the README can name them all.
"""

import argparse
import json
import sys
from datetime import datetime, timedelta, timezone

# Numbers of our own (SplitMix64) rather than random.Random, whose sequences may change between
# versions of Python.
MASK = (1 << 64) - 1


def number(*parts):
    """A 64-bit number that depends on the parts and on nothing else."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state + part * 0xBF58476D1CE4E5B9 + 0x9E3779B97F4A7C15) & MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
        state ^= state >> 31
    return state


USER, CATEGORY, PRODUCT, ORDER, ITEM = 1, 2, 3, 4, 5


def row_id(kind, n):
    return f"01900000-0000-7000-8000-{kind:04x}{n:08x}"


CUSTOMERS = 200
STAFF = [("carla", "Carla (clerk)"), ("ada", "Ada (admin)")]
FIRST = ["Anna", "Ben", "Clara", "David", "Elif", "Felix", "Greta", "Hamid", "Ida", "Jan"]
LAST = ["Adler", "Brandt", "Celik", "Dietz", "Engel", "Fuchs", "Graf", "Hahn", "Ilic", "Jung",
        "Klein", "Lang", "Moser", "Nowak", "Otto", "Peters", "Roth", "Sommer", "Thoma", "Vogel"]

# category: its nouns and the range of prices in cents
CATEGORIES = [
    ("Lamps", ["Desk Lamp", "Floor Lamp", "Pendant Lamp", "Reading Lamp"], 1900, 24900),
    ("Chairs", ["Armchair", "Dining Chair", "Office Chair", "Stool"], 3900, 59900),
    ("Tables", ["Coffee Table", "Desk", "Dining Table", "Side Table"], 4900, 129900),
    ("Shelves", ["Bookcase", "Corner Shelf", "Wall Shelf", "Shoe Rack"], 1900, 39900),
    ("Beds", ["Bed Frame", "Day Bed", "Headboard", "Nightstand"], 4900, 149900),
    ("Textiles", ["Blanket", "Curtain", "Cushion", "Rug"], 900, 34900),
    ("Cookware", ["Casserole", "Frying Pan", "Saucepan", "Wok"], 1500, 19900),
    ("Knives", ["Bread Knife", "Chef's Knife", "Paring Knife", "Cleaver"], 900, 22900),
    ("Tableware", ["Bowl", "Dinner Plate", "Mug", "Serving Dish"], 400, 7900),
    ("Glasses", ["Carafe", "Tumbler", "Water Glass", "Wine Glass"], 300, 6900),
    ("Coffee", ["Burr Grinder", "Coffee Dripper", "Espresso Pot", "French Press"], 1200, 29900),
    ("Storage", ["Basket", "Bin", "Drawer Box", "Trunk"], 500, 12900),
    ("Clocks", ["Alarm Clock", "Kitchen Timer", "Mantel Clock", "Wall Clock"], 900, 18900),
    ("Mirrors", ["Hand Mirror", "Round Mirror", "Standing Mirror", "Wall Mirror"], 1200, 32900),
    ("Vases", ["Bottle Vase", "Bud Vase", "Floor Vase", "Planter"], 700, 14900),
    ("Garden", ["Bench", "Bird Feeder", "Garden Hose", "Watering Can"], 900, 44900),
    ("Tools", ["Hammer", "Hand Saw", "Screwdriver Set", "Spirit Level"], 600, 15900),
    ("Bags", ["Backpack", "Messenger Bag", "Tote", "Weekender"], 1900, 27900),
    ("Paper", ["Calendar", "Letter Set", "Notebook", "Sketchbook"], 300, 4900),
    ("Pens", ["Ballpoint", "Brush Pen", "Fountain Pen", "Pencil Set"], 200, 18900),
    ("Toys", ["Building Blocks", "Kite", "Puzzle", "Train Set"], 700, 12900),
    ("Games", ["Board Game", "Card Deck", "Chess Set", "Dice Set"], 400, 14900),
    ("Bath", ["Bath Mat", "Soap Dish", "Towel", "Towel Rail"], 400, 9900),
    ("Audio", ["Headphones", "Radio", "Speaker", "Turntable"], 2900, 89900),
]
STYLES = ["Classic", "Compact", "Curved", "Folding", "Heavy", "Light", "Low", "Modern", "Narrow",
          "Plain", "Round", "Rustic", "Slim", "Small", "Tall", "Wide"]
MATERIALS = ["Ash", "Bamboo", "Beech", "Brass", "Ceramic", "Copper", "Cork", "Cotton", "Felt",
             "Glass", "Leather", "Linen", "Marble", "Oak", "Steel", "Walnut"]


def users():
    for n in range(1, CUSTOMERS + 1):
        first, last = FIRST[n % len(FIRST)], LAST[n // len(FIRST) % len(LAST)]
        yield {"id": row_id(USER, n), "email": f"customer{n}@example.com",
               "name": f"{first} {last}"}
    for n, (login, name) in enumerate(STAFF, CUSTOMERS + 1):
        yield {"id": row_id(USER, n), "email": f"{login}@example.com", "name": name}


def categories():
    for n, (name, *_) in enumerate(CATEGORIES, 1):
        yield {"id": row_id(CATEGORY, n), "name": name}


def price_of(n):
    """In cents, ending in 00, 50, 90 or 95."""
    _, _, low, high = CATEGORIES[(n - 1) % len(CATEGORIES)]
    dice = number(PRODUCT, n, 1)
    # The square makes cheap things frequent, as they are in shops.
    part = (dice >> 32) / 2**32
    cents = low + int((high - low) * part * part)
    return cents // 100 * 100 + (0, 50, 90, 95)[dice & 3]


def products(count):
    for n in range(1, count + 1):
        category = (n - 1) % len(CATEGORIES)
        nouns = CATEGORIES[category][1]
        dice = number(PRODUCT, n)
        noun = nouns[dice % 4]
        style, material = STYLES[dice >> 8 & 15], MATERIALS[dice >> 16 & 15]
        row = {"id": row_id(PRODUCT, n), "sku": f"{CATEGORIES[category][0][:3].upper()}-{n:06d}",
               "name": f"{style} {material} {noun}", "price": money(price_of(n)),
               # One in fifty is sold out and one in fifty nearly: what a shop has to deal with.
               "stock": (0, 1)[dice >> 24 & 1] if dice >> 25 & 31 == 0 else 2 + (dice >> 32) % 199,
               "category_id": row_id(CATEGORY, category + 1)}
        if dice >> 20 & 3 != 0:
            row["description"] = (f"A {style.lower()} {noun.lower()} in {material.lower()}, "
                                  f"from our {CATEGORIES[category][0].lower()}.")
        yield row


def money(cents):
    return f"{cents // 100}.{cents % 100:02d}"


START = datetime(2025, 1, 1, 8, tzinfo=timezone.utc)
DAYS = 90


def order(n, product_count):
    """The order's row and its items; both tables are made of this."""
    dice = number(ORDER, n)
    placed = START + timedelta(days=dice % DAYS, minutes=(dice >> 16) % 720)
    state = ("shipped",) * 12 + ("paid", "pending", "pending", "cancelled")
    state = state[dice >> 32 & 15]
    items, seen = [], set()
    for i in range(1 + (dice >> 40) % 4):
        roll = number(ORDER, n, i)
        # The first products sell best, so that top_products has something to say.
        popular = roll & 3 == 0
        product = 1 + (roll >> 8) % (min(12, product_count) if popular else product_count)
        if product not in seen:
            seen.add(product)
            items.append((product, 1 + (roll >> 50) % 3))
    row = {"id": row_id(ORDER, n), "user_id": row_id(USER, 1 + (dice >> 48) % CUSTOMERS),
           "state": state, "total": money(sum(price_of(p) * q for p, q in items)),
           "placed_at": stamp(placed)}
    if state == "shipped":
        row["shipped_at"] = stamp(placed + timedelta(hours=30))
        row["tracking"] = f"TR{dice % 10**10:010d}"
    return row, items


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def orders(count, product_count):
    for n in range(1, count + 1):
        yield order(n, product_count)[0]


def order_items(count, product_count):
    line = 0
    for n in range(1, count + 1):
        row, items = order(n, product_count)
        for product, quantity in items:
            line += 1
            yield {"id": row_id(ITEM, line), "order_id": row["id"],
                   "product_id": row_id(PRODUCT, product), "quantity": quantity,
                   "price": money(price_of(product))}


def main():
    tables = {
        "users": lambda a: users(),
        "categories": lambda a: categories(),
        "products": lambda a: products(a.products),
        "orders": lambda a: orders(a.orders, a.products),
        "order_items": lambda a: order_items(a.orders, a.products),
    }
    parser = argparse.ArgumentParser(description="Writes a table of the shop as NDJSON to stdout.")
    parser.add_argument("table", choices=tables)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--orders", type=int, default=2_000)
    arguments = parser.parse_args()
    out = sys.stdout
    for row in tables[arguments.table](arguments):
        out.write(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(0)
