"""What is measured. A new figure is an entry in CASES, a function in load.lua, and a check here of what is answered."""
import dataclasses
import itertools
import json

from .contenders import call
from .trouble import Trouble

_marks = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    load: str  # the function in load.lua
    kind: str  # which contenders serve it: Contender.serves
    connections: int
    apart: bool  # server on one core and load on the other; else both share both
    writes: bool  # each request is one durable row


CASES = (
    Case("get", "GET /api/v1/products/{id}", "get_product", "get", 64, apart=True, writes=False),
    Case("post64", "durable POST /api/v1/categories", "post_category", "post", 64, apart=False, writes=True),
    Case("post256", "durable POST /api/v1/categories", "post_category", "post", 256, apart=False, writes=True),
)


def fresh_mark():
    """Makes names unlike all others of this run."""
    return f"{next(_marks):04d}"


def expect(contender, what, answer, status):
    if answer.status != status:
        raise Trouble(f"{contender.title} answers {what} with {answer.status} instead of {status}: {answer.body[:500]!r}")


def check(kind, contender, url, shop):
    """Nobody is measured who does not do the work: right answers, refusals where they belong."""
    if contender.name == "nginx":
        answer = call(url, "GET", "/api/v1/products/any")
        expect(contender, "a GET", answer, 200)
        if answer.body != contender.body.encode():
            raise Trouble("nginx does not return the body it was given")
    elif kind == "get":
        _check_get(contender, url, shop)
    else:
        _check_post(contender, url)


def _check_get(contender, url, shop):
    rows = itertools.islice(shop.rows("products"), 0, None, max(1, shop.products // 20))
    for row in rows:
        answer = call(url, "GET", f"/api/v1/products/{row['id']}")
        expect(contender, "GET of a product", answer, 200)
        found = answer.json()
        for name in ("id", "sku", "name", "description", "price", "stock", "category_id"):
            if found.get(name) != row.get(name):
                raise Trouble(f"{contender.title}: product {row['id']} has {name} {found.get(name)!r} instead of {row.get(name)!r}")
        for name in ("created_at", "updated_at", "version"):
            if name not in found:
                raise Trouble(f"{contender.title}: product {row['id']} lacks {name}")
    missing = call(url, "GET", "/api/v1/products/01900000-0000-7000-8000-0003ffffffff")
    expect(contender, "GET of no product", missing, 404)


def _check_post(contender, url):
    path, name = "/api/v1/categories", f"Category check {fresh_mark()}"
    body = json.dumps({"name": name})
    expect(contender, "POST without a key", call(url, "POST", path, body), 401)
    # One that looks like a key and is none of this server's.
    wrong = contender.key[:-4] + ("0000" if contender.key[-4:] != "0000" else "1111")
    expect(contender, "POST with a wrong key", call(url, "POST", path, body, wrong), 401)
    for broken in ('{"name": ""}', '{"name": 7}', '{}', '{"name": "a", "colour": "b"}', '{"name": "'):
        answer = call(url, "POST", path, broken, contender.key)
        if not 400 <= answer.status < 500:
            raise Trouble(f"{contender.title} answers POST of {broken} with {answer.status} instead of a refusal")
    answer = call(url, "POST", path, body, contender.key)
    expect(contender, "POST of a category", answer, 201)
    if answer.json().get("name") != name or "id" not in answer.json():
        raise Trouble(f"{contender.title} answers POST with {answer.body[:500]!r}")
    expect(contender, "the same POST again", call(url, "POST", path, body, contender.key), 409)


def typical_body(contender, url, shop):
    """The answer of median size among products taken across the table: what nginx imitates."""
    rows = itertools.islice(shop.rows("products"), 0, None, max(1, shop.products // 101))
    bodies = [call(url, "GET", f"/api/v1/products/{row['id']}").body.decode() for row in rows]
    bodies = sorted((body for body in bodies if not set(body) & set("$'\\")), key=len)
    return bodies[len(bodies) // 2]
