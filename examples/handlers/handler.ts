// A handler of `book`: checks the signature, prices the booking, answers with operations. Node's own library only.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders } from "node:http";

const secret = Buffer.from(process.env.WEBHOOK_SECRET!.replace(/^whsec_/, ""), "base64");

function isSigned(headers: IncomingHttpHeaders, body: string): boolean {
  const time = String(headers["webhook-timestamp"]);
  const right = "v1," + createHmac("sha256", secret).update(`${headers["webhook-id"]}.${time}.${body}`).digest("base64");
  const fresh = Math.abs(Date.now() / 1000 - Number(time)) < 300;
  const isRight = (one: string) => one.length === right.length && timingSafeEqual(Buffer.from(one), Buffer.from(right));
  return fresh && String(headers["webhook-signature"]).split(" ").some(isRight);
}

function book({ input }: { input: { room_id: string; guests: number } }): [number, object] {
  if (input.guests > 20) {
    return [422, { code: "too_many_guests", detail: "we host 20 at most", errors: [{ pointer: "/guests" }] }];
  }
  const booking = { room_id: input.room_id, guests: input.guests, price: `${input.guests * 35}.00` };
  const operations = [{ method: "POST", path: "/bookings", body: booking }];
  return [200, { operations, returns: { price: booking.price } }];
}

createServer(async (request, response) => {
  let body = "";
  for await (const part of request.setEncoding("utf8")) body += part;
  const [status, answer] = isSigned(request.headers, body) ? book(JSON.parse(body)) : [401, {}];
  response.writeHead(status, { "Content-Type": status === 200 ? "application/json" : "application/problem+json" });
  response.end(JSON.stringify(answer));
}).listen(Number(process.env.PORT ?? 9000), "127.0.0.1");
