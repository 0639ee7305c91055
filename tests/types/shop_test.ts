// Uses the client that `mettle types` makes for examples/shop, against a server with an empty shop. What stands below a
// ts-expect-error must not compile: what is wrong is found before it is sent.
import { createClient, etagOf, Problem, type Page, type Row } from "./shop.js";

declare const process: { env: Record<string, string | undefined>; exitCode: number };

const url = process.env["SHOP_URL"] ?? "";
const admin = createClient({ url, key: process.env["ADMIN_KEY"] ?? "" });
const customer = createClient({ url: `${url}/`, key: async () => process.env["CUSTOMER_KEY"] });
const other = createClient({ url, key: () => process.env["OTHER_KEY"] });
const nobody = createClient({ url });

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

async function refused(work: Promise<unknown>): Promise<Problem> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("should have been refused");
}

let lamp: Row<"products">;
let desk: Row<"products">;

async function creates(): Promise<void> {
  const category = await admin.table("categories").create({ name: "Home" });
  const products = admin.table("products");
  lamp = await products.create({ sku: "LAMP-1", name: "Lamp", price: "12.50", stock: 3, category_id: category.id });
  check(lamp.price === "12.50" && lamp.version === 1, "the row comes back");
  const rows = Array.from({ length: 25 }, (_, i) => ({
    sku: `DESK-${String(i + 10)}`,
    name: i === 0 ? 'Desk, "big"' : `Desk ${i}`,
    price: 100 + i,
    category_id: category.id,
  }));
  const made = await products.createMany(rows);
  check(made.length === 25, "all of them are made");
  const first = made[0];
  check(first !== undefined, "the first of them is there");
  desk = first;
}

async function lists(): Promise<void> {
  const products = nobody.table("products");
  const cheap = await products.list({ where: { price: { lt: 102, gte: "12.5" } }, order: ["price.desc", "id"] });
  check(cheap.items.map((row) => row.price).join() === "101.00,100.00,12.50", "filters and order");
  const named = await products.list({ where: { name: ['Desk, "big"', "Lamp"] }, count: true });
  check(named.total === 2, "a list of values, with quotes and commas");
  const some = await products.list({ where: { sku: { like: "DESK-*", not: { eq: "DESK-10" } } }, select: ["sku"], limit: 5 });
  check(some.items.length === 5 && some.next_cursor !== null, "a page");
  check(JSON.stringify(Object.keys(some.items[0] ?? {})) === '["sku"]', "selected columns only");
  check((await products.list({ where: { description: null }, or: "stock.gt.0,sku.eq.DESK-11" })).items.length === 2, "or");
  const embedded: Page<{ sku: string; category: { name: string } }> = await products.listAs({
    select: "sku,category(name)",
    sku: "eq.LAMP-1",
  });
  check(embedded.items[0]?.category.name === "Home", "embedding");
  // @ts-expect-error there is no such column
  await refused(products.list({ where: { prize: 1 } }));
  // @ts-expect-error a column that was not selected
  check(some.items[0]?.price === undefined, "not selected");
  // @ts-expect-error none of the values of the enum
  await refused(customer.table("orders").list({ where: { state: "lost" } }));
}

async function pages(): Promise<void> {
  const products = nobody.table("products");
  const sizes: number[] = [];
  for await (const page of products.pages({ order: ["sku"], limit: 10 })) sizes.push(page.items.length);
  check(sizes.join() === "10,10,6", `pages: ${sizes.join()}`);
  const skus = new Set<string>();
  for await (const row of products.all({ select: ["sku"], limit: 7 })) skus.add(row.sku);
  check(skus.size === 26, "all rows, each once");
}

async function changes(): Promise<void> {
  const products = admin.table("products");
  const seen = await products.get(lamp.id);
  check(etagOf(seen) !== undefined, "a row knows its ETag");
  const changed = await products.patch(lamp.id, { description: "warm" }, { ifMatch: seen });
  check(changed.description === "warm" && changed.version === 2, "patched");
  const stale = await refused(products.patch(lamp.id, { description: null }, { ifMatch: seen }));
  check(stale.status === 412, "a change of what has changed since is refused");
  const { sku, name, price, category_id } = desk;
  const replaced = await products.replace(desk.id, { sku, name, price, category_id, stock: 1 });
  check(replaced.stock === 1, "replaced");
  const many = await products.patchWhere({ sku: { like: "DESK-1*" } }, { stock: 9 }, { maxAffected: 10 });
  check(many.length === 10 && many.every((row) => row.stock === 9), "many changed");
  const gone = await products.create({ sku: "GONE-1", name: "Gone", price: "1", category_id });
  await products.remove(gone.id);
  check((await refused(products.get(gone.id))).status === 404, "removed");
  await products.removeWhere({ sku: "DESK-34" }, { maxAffected: 1 });
  // @ts-expect-error the server alone sets it
  await refused(products.patch(lamp.id, { version: 7 }));
}

async function problems(): Promise<void> {
  const faulty = await refused(
    admin.table("products").create({ sku: "x", name: "", price: "-1", category_id: lamp.category_id }),
  );
  check(faulty.status === 422 && faulty.errors.length === 3, "every fault");
  check(faulty.errors.some((fault) => fault.pointer === "/sku"), "with its place");
  const unknown = await refused(nobody.command("place_order", { items: [{ product_id: lamp.id, quantity: 1 }] }));
  check(unknown.status === 401 && unknown.requestId !== undefined, "nobody may not order");
  // @ts-expect-error the input is needed
  await refused(customer.command("place_order"));
}

async function commandsAndQueries(): Promise<void> {
  const order = await customer.command("place_order", { items: [{ product_id: lamp.id, quantity: 2 }] });
  check(order !== null && order.total === "25.00" && order.state === "pending", "ordered");
  const out = await refused(other.command("place_order", { items: [{ product_id: lamp.id, quantity: 2 }] }));
  check(out.code === "out_of_stock" && out.errors[0]?.pointer === "/items/0/product_id", "sold out");
  const top = await admin.query("top_products", { since: "2020-01-01T00:00:00Z" });
  check(top.items[0]?.sku === "LAMP-1" && top.items[0].sold === 2, "a query");
  // @ts-expect-error there is no such query
  await refused(admin.query("bottom_products", {}));
}

// The answer is lost after the server has done the work: the client asks again with the same key, and has one order.
async function retries(): Promise<void> {
  let lost = 0;
  const forgetful = createClient({
    url,
    key: process.env["CUSTOMER_KEY"] ?? "",
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      await response.arrayBuffer();
      if (++lost === 1) throw new TypeError("the connection was lost");
      return fetch(input, init);
    },
  });
  const before = (await customer.table("orders").list({ count: true })).total ?? 0;
  const order = await forgetful.command("place_order", { items: [{ product_id: desk.id, quantity: 1 }] });
  check(order !== null, "the retry gives the answer");
  check((await customer.table("orders").list({ count: true })).total === before + 1, "one order");

  const down = createClient({
    url,
    retries: 0,
    fetch: () => Promise.reject(new TypeError("no network")),
  });
  let message = "";
  await down.table("products").list().catch((error: Error) => (message = error.message));
  check(message === "no network", "what fetch says comes through");

  let calls = 0;
  const busy = createClient({
    url,
    fetch: (input, init) =>
      ++calls === 1 ? Promise.resolve(new Response("upstream", { status: 503 })) : fetch(input, init),
  });
  check((await busy.table("products").list()).items.length > 0 && calls === 2, "503 is asked again");
}

async function cancels(): Promise<void> {
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  let reason = "";
  await nobody.table("products").list({}, { signal: stop.signal }).catch((error: Error) => (reason = error.message));
  check(reason === "enough", "an aborted call ends with the reason");
}

async function batches(): Promise<void> {
  const { results } = await admin.batch([
    { method: "POST", path: "/categories", body: { name: "Garden" }, as: "c" },
    { method: "POST", path: "/products", body: { sku: "HOSE-1", name: "Hose", price: "9.90", category_id: "$c.id" } },
  ]);
  check(results.map((result) => result.status).join() === "201,201", "both are made");
}

for (const step of [creates, lists, pages, changes, problems, commandsAndQueries, retries, cancels, batches]) {
  try {
    await step();
    console.log(`ok ${step.name}`);
  } catch (error) {
    console.log(`not ok ${step.name}:`, error);
    process.exitCode = 1;
    break;
  }
}
