"""Nobody is measured who does not do the work: right answers, and refusals where they belong."""
import itertools
import json

from ..ask import call
from ..contenders import CUSTOMER, PARENT
from ..load import fresh_mark
from ..trouble import Trouble


def expect(contender, what, answer, status):
    if answer.status != status:
        raise Trouble(f"{contender.title} answers {what} with {answer.status} instead of {status}: {answer.body[:500]!r}")


def expect_that(contender, what, holds, answer):
    if not holds:
        raise Trouble(f"{contender.title}: {what} is wrong: {answer.body[:500]!r}")


def sample(shop, parts):
    """Products taken from across the table."""
    return itertools.islice(shop.rows("products"), 0, None, max(1, shop.products // parts))


def check_get(contender, url, shop):
    if contender.name == "nginx":
        answer = call(url, "GET", "/api/v1/products/any")
        expect_that(contender, "the body it was given", answer.body == contender.body.encode(), answer)
        return
    for row in sample(shop, 20):
        answer = call(url, "GET", f"/api/v1/products/{row['id']}")
        expect(contender, "GET of a product", answer, 200)
        found = answer.json()
        for name in ("id", "sku", "name", "description", "price", "stock", "category_id"):
            if found.get(name) != row.get(name) and name != "stock":  # orders of this run may have taken some
                raise Trouble(f"{contender.title}: product {row['id']} has {name} {found.get(name)!r} instead of {row.get(name)!r}")
        for name in ("stock", "created_at", "updated_at", "version"):
            if name not in found:
                raise Trouble(f"{contender.title}: product {row['id']} lacks {name}")
    missing = call(url, "GET", "/api/v1/products/01900000-0000-7000-8000-0003ffffffff")
    expect(contender, "GET of no product", missing, 404)


def check_list(contender, url, shop):
    category, least = "01900000-0000-7000-8000-000200000003", 100
    rows = [row for row in shop.rows("products") if row["category_id"] == category and float(row["price"]) >= least]
    rows = sorted(rows, key=lambda row: (float(row["price"]), row["id"]))
    answer = call(url, "GET", contender.list_path % (category, least))
    expect(contender, "a list", answer, 200)
    found = answer.json()
    right = [{"id": row["id"], "sku": row["sku"], "name": row["name"], "price": row["price"],
              "category": {"id": category, "name": "Tables"}} for row in rows[:20]]
    expect_that(contender, "the list of 20", [{**one, "stock": 0} for one in right] ==
                [{**one, "stock": 0} for one in found["items"]] and all("stock" in one for one in found["items"]), answer)
    expect_that(contender, "next_cursor", bool(found["next_cursor"]) == (len(rows) > 20), answer)


def check_embed(contender, url, shop):
    path = f"/api/v1/users/{PARENT}?select=id,name,orders(id,state,total,placed_at)&orders.order=placed_at.desc&orders.limit=20"
    expect(contender, "a user without a key", call(url, "GET", path), 401)
    answer = call(url, "GET", path, key=contender.keys["clerk"])
    expect(contender, "a user with orders", answer, 200)
    latest = sorted(shop.rows("orders"), key=lambda row: row["placed_at"], reverse=True)[:20]
    found = answer.json()
    expect_that(contender, "the latest 20 orders", [(row["id"], row["total"]) for row in latest] ==
                [(one["id"], one["total"]) for one in found["orders"]] and found["id"] == PARENT and "name" in found, answer)


def check_order(contender, url, shop):
    items = [{"product_id": row["id"], "quantity": 2} for row in sample(shop, 3)][:3]
    path, body, key = "/api/v1/commands/place_order", json.dumps({"items": items}), contender.keys["customer"]
    headers = {"Idempotency-Key": f"check-{contender.name}-{fresh_mark()}"}
    expect(contender, "an order without a key", call(url, "POST", path, body), 401)
    answer = call(url, "POST", path, body, key, headers)
    expect(contender, "an order", answer, 200)
    total = sum(2 * round(float(row["price"]) * 100) for row in itertools.islice(sample(shop, 3), 3))
    found = answer.json()
    expect_that(contender, "the order", found["user_id"] == CUSTOMER and round(float(found["total"]) * 100) == total, answer)
    again = call(url, "POST", path, body, key, headers)
    expect_that(contender, "the same order again", again.status == 200 and again.body == answer.body, again)
    other = json.dumps({"items": items[:1]})
    expect(contender, "another order with that Idempotency-Key", call(url, "POST", path, other, key, headers), 422)
    greedy = json.dumps({"items": [{"product_id": "01900000-0000-7000-8000-0003ffffffff", "quantity": 1}]})
    refused = call(url, "POST", path, greedy, key).status
    if not 400 <= refused < 500:
        raise Trouble(f"{contender.title} answers an order of no product with {refused}")


def check_post(contender, url, _shop):
    path, name, key = "/api/v1/categories", f"Category check {fresh_mark()}", contender.keys["admin"]
    body = json.dumps({"name": name})
    expect(contender, "POST without a key", call(url, "POST", path, body), 401)
    # One that looks like a key and is none of this server's.
    wrong = key[:-4] + ("0000" if key[-4:] != "0000" else "1111")
    expect(contender, "POST with a wrong key", call(url, "POST", path, body, wrong), 401)
    for broken in ('{"name": ""}', '{"name": 7}', '{}', '{"name": "a", "colour": "b"}', '{"name": "'):
        answer = call(url, "POST", path, broken, key)
        if not 400 <= answer.status < 500:
            raise Trouble(f"{contender.title} answers POST of {broken} with {answer.status} instead of a refusal")
    answer = call(url, "POST", path, body, key)
    expect(contender, "POST of a category", answer, 201)
    expect_that(contender, "a POST's answer", answer.json().get("name") == name and "id" in answer.json(), answer)
    expect(contender, "the same POST again", call(url, "POST", path, body, key), 409)


def typical_body(url, shop):
    """The answer of median size among products taken across the table: what nginx imitates."""
    bodies = [call(url, "GET", f"/api/v1/products/{row['id']}").body.decode() for row in sample(shop, 101)]
    bodies = sorted((body for body in bodies if not set(body) & set("$'\\")), key=len)
    return bodies[len(bodies) // 2]
