"""A handler of `book`: checks the signature, prices the booking, answers with operations. Python's own library only."""
import base64, hashlib, hmac, json, os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))


def is_signed(headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"] or 0)) < 300
    return fresh and any(hmac.compare_digest(right, one) for one in headers["webhook-signature"].split())


def book(request):
    guests = request["input"]["guests"]
    if guests > 20:
        return 422, {"code": "too_many_guests", "detail": "we host 20 at most", "errors": [{"pointer": "/guests"}]}
    booking = {"room_id": request["input"]["room_id"], "guests": guests, "price": f"{guests * 35}.00"}
    return 200, {"operations": [{"method": "POST", "path": "/bookings", "body": booking}],
                 "returns": {"price": booking["price"]}}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = book(json.loads(body)) if is_signed(self.headers, body) else (401, {})
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status == 200 else "application/problem+json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 9000))), Handler).serve_forever()
