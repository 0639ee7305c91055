"""Single requests, to prepare and to check; the load is sent by load.py."""
import http.client
import json
import urllib.parse

from .trouble import Trouble


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)


def call(base, method, path, body=None, key=None, headers=None):
    where = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
    headers = dict(headers or {})
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())
    except (OSError, http.client.HTTPException) as error:
        raise Trouble(f"{method} {base}{path}: {error}") from error
    finally:
        connection.close()
