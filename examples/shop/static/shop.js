// The shop's page: products from the list API, the cart in the browser, the order by the command
// place_order. No framework and no build, so that every request can be read here.
"use strict";

const API = "/api/v1";
const PAGE = 24;
const $ = (selector, within = document) => within.querySelector(selector);

// Money is text on the wire and a whole number of cents here: never a float.
const cents = (text) => {
  const [whole, part = ""] = text.split(".");
  return Number(whole) * 100 + Number(part.padEnd(2, "0"));
};
const currency = new Intl.NumberFormat(undefined, {style: "currency", currency: "EUR"});
const money = (amount) => currency.format(amount / 100);

// Every refusal of the server is a problem document (RFC 9457); a lost connection becomes one.
class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail || body.title || `the server answered ${status}`);
    Object.assign(this, {status, retryAfter, code: body.code, requestId: body.request_id,
                         errors: body.errors || []});
  }
}

async function call(path, {method = "GET", body, headers = {}, signal} = {}) {
  const key = sessionStorage.getItem("key");
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(API + path,
                           {method, headers, signal, body: body && JSON.stringify(body)});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {detail: "The shop cannot be reached."});
  }
  const json = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(response.status, json, response.headers.get("Retry-After"));
  return json;
}

// --- products ---------------------------------------------------------------------------------

let listing;           // aborts the request that a newer search made useless
let nextCursor = null;

function listPath(cursor) {
  const form = new FormData($("#search"));
  const query = new URLSearchParams({
    select: "id,name,description,price,stock,category(name)",
    order: form.get("order"),
    limit: PAGE,
  });
  for (const word of form.get("words").split(/[\s*%_\\]+/).filter(Boolean)) {
    query.append("name", `ilike.*${word}*`);   // every word must occur
  }
  if (form.get("category")) query.set("category_id", `eq.${form.get("category")}`);
  if (cursor) query.set("cursor", cursor);
  return `/products?${query}`;
}

async function showProducts(cursor) {
  listing?.abort();
  listing = new AbortController();
  const more = $("#more");
  more.disabled = true;
  try {
    const page = await call(listPath(cursor), {signal: listing.signal});
    const items = page.items.map(productItem);
    if (cursor) $("#list").append(...items);
    else $("#list").replaceChildren(...items);
    if (cursor) $("button:not(:disabled)", items[0])?.focus();
    nextCursor = page.next_cursor;
    more.hidden = !nextCursor;
    const shown = $("#list").children.length;
    $("#found").textContent = shown === 0 ? "Nothing matches."
      : nextCursor ? `The first ${shown} products` : `${shown} products`;
  } catch (problem) {
    if (problem.name === "AbortError") return;
    $("#found").textContent = problem.message;
  } finally {
    more.disabled = false;
  }
}

function productItem(product) {
  const item = $("#product").content.cloneNode(true).firstElementChild;
  $(".category", item).textContent = product.category?.name ?? "";
  $("h3", item).textContent = product.name;
  $(".about", item).textContent = product.description ?? "";
  $(".price", item).textContent = money(cents(product.price));
  const stock = $(".stock", item);
  const button = $("button", item);
  button.setAttribute("aria-label", `Add ${product.name} to the cart`);
  if (product.stock === 0) {
    button.disabled = true;
    button.textContent = "Sold out";
  } else if (product.stock < 5) {
    stock.textContent = `only ${product.stock} left`;
    stock.classList.add("few");
  } else {
    stock.textContent = "in stock";
  }
  button.addEventListener("click", () => addToCart(product));
  return item;
}

// --- cart -------------------------------------------------------------------------------------

const cart = JSON.parse(localStorage.getItem("cart") || "[]");   // {id, name, price, quantity}

// One key an intention: it survives a reload and a lost answer, so that pressing the button again
// cannot buy twice; another cart is another intention.
function attemptKey() {
  let key = localStorage.getItem("attempt");
  if (!key) {
    key = Array.from(crypto.getRandomValues(new Uint8Array(16)),
                     (byte) => byte.toString(16).padStart(2, "0")).join("");
    localStorage.setItem("attempt", key);
  }
  return key;
}
const newIntention = () => localStorage.removeItem("attempt");

function changeCart() {
  newIntention();
  localStorage.setItem("cart", JSON.stringify(cart));
  showProblem(null);
  showCart();
}

function addToCart(product) {
  const line = cart.find((one) => one.id === product.id);
  if (line) line.quantity = Math.min(100, line.quantity + 1);
  else cart.push({id: product.id, name: product.name, price: product.price, quantity: 1});
  $("#done").hidden = false;
  $("#done").textContent = `${product.name} is in the cart.`;
  changeCart();
}

function showCart() {
  $("#cart").replaceChildren(...cart.map(cartLine));
  $("#cart-empty").hidden = cart.length > 0;
  $("#sum").hidden = cart.length === 0;
  $("#total").textContent =
    money(cart.reduce((sum, line) => sum + cents(line.price) * line.quantity, 0));
  $("#buy").disabled = cart.length === 0;
}

function cartLine(line) {
  const item = $("#line").content.cloneNode(true).firstElementChild;
  $(".name", item).textContent = line.name;
  $(".price", item).textContent = money(cents(line.price) * line.quantity);
  const quantity = $("input", item);
  quantity.value = line.quantity;
  quantity.setAttribute("aria-label", `Quantity of ${line.name}`);
  quantity.addEventListener("change", () => {
    line.quantity = Math.min(100, Math.max(1, Math.trunc(Number(quantity.value)) || 1));
    changeCart();
  });
  const remove = $("button", item);
  remove.setAttribute("aria-label", `Remove ${line.name}`);
  remove.addEventListener("click", () => {
    cart.splice(cart.indexOf(line), 1);
    changeCart();
    $("#cart-title").scrollIntoView({block: "nearest"});
  });
  return item;
}

// --- the order --------------------------------------------------------------------------------

async function placeOrder(event) {
  event.preventDefault();
  const keyField = $("#checkout").elements.key;
  sessionStorage.setItem("key", keyField.value.trim());
  $("#done").hidden = true;
  showProblem(null);
  $("#buy").disabled = true;
  try {
    const order = await call("/commands/place_order", {
      method: "POST",
      headers: {"Idempotency-Key": attemptKey()},
      body: {items: cart.map(({id, quantity}) => ({product_id: id, quantity}))},
    });
    cart.length = 0;
    changeCart();
    $("#done").hidden = false;
    $("#done").textContent = `Thank you: the order of ${money(cents(order.total))} is placed.`;
    showProducts();
    showOrders();
  } catch (problem) {
    await explain(problem, keyField);
  } finally {
    $("#buy").disabled = cart.length === 0;
  }
}

// A decided answer ends the intention; a lost one does not: the next attempt carries the same key.
async function explain(problem, keyField) {
  if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) newIntention();
  if (problem.status === 401 || problem.status === 403) {
    showProblem(problem, "Please enter a valid key of a customer.");
    keyField.focus();
  } else if (problem.code === "out_of_stock") {
    showProblem(problem, "Somebody was faster. Nothing was ordered.");
    await markLines(problem);
  } else if (problem.status === 0 || problem.status >= 500 || problem.status === 429) {
    const wait = problem.retryAfter ? ` in ${problem.retryAfter} seconds` : "";
    showProblem(problem,
                `Please try again${wait}: the order is placed once, however often you try.`);
  } else {
    showProblem(problem);
    await markLines(problem);
  }
}

// `/items/2/product_id` is the third line of the cart; what is left of it is asked anew.
async function markLines(problem) {
  for (const error of problem.errors) {
    const index = /^\/items\/(\d+)(\/|$)/.exec(error.pointer ?? "")?.[1];
    if (index === undefined || !cart[index]) continue;
    const item = $("#cart").children[index];
    const fault = $(".fault", item);
    item.classList.add("wrong");
    fault.hidden = false;
    fault.id = `fault-${index}`;
    $("input", item).setAttribute("aria-describedby", fault.id);
    $("input", item).setAttribute("aria-invalid", "true");
    fault.textContent = error.detail || problem.message;
    if (problem.code === "out_of_stock") {
      const left = await call(`/products/${cart[index].id}?select=stock`).catch(() => null);
      if (left) fault.textContent = left.stock === 0 ? "Sold out." : `Only ${left.stock} left.`;
    }
    $("input", item).focus();
  }
}

function showProblem(problem, advice) {
  const box = $("#problem");
  box.hidden = !problem;
  box.replaceChildren();
  if (!problem) return;
  box.append(advice ?? problem.message);
  const small = document.createElement("small");
  const facts = [advice && problem.message, problem.requestId && `Request ${problem.requestId}`];
  small.textContent = facts.filter(Boolean).join(" · ");
  if (small.textContent) box.append(small);
}

async function showOrders() {
  if (!sessionStorage.getItem("key")) return;
  const query = new URLSearchParams({
    select: "id,state,total,placed_at,order_items(quantity,product(name))",
    order: "placed_at.desc",
    limit: 5,
  });
  const page = await call(`/orders?${query}`).catch(() => null);
  $("#history").hidden = !page || page.items.length === 0;
  if (page) $("#orders").replaceChildren(...page.items.map(orderItem));
}

function orderItem(order) {
  const item = $("#order").content.cloneNode(true).firstElementChild;
  $(".when", item).textContent = new Date(order.placed_at).toLocaleString();
  $(".state", item).textContent = order.state;
  $(".price", item).textContent = money(cents(order.total));
  $(".about", item).textContent =
    order.order_items.map((line) => `${line.quantity} × ${line.product.name}`).join(", ");
  const cancel = $("button", item);
  cancel.hidden = order.state !== "pending";
  cancel.addEventListener("click", async () => {
    cancel.disabled = true;
    try {
      await call("/commands/cancel_order", {
        method: "POST",
        headers: {"Idempotency-Key": `cancel-${order.id}`},   // one cancellation an order, ever
        body: {order_id: order.id},
      });
      showProducts();
    } catch (problem) {
      showProblem(problem);
    }
    showOrders();
  });
  return item;
}

// --- start ------------------------------------------------------------------------------------

async function showCategories() {
  const page = await call("/categories?select=id,name&order=name&limit=1000").catch(() => null);
  const choice = $("#search").elements.category;
  for (const {id, name} of page?.items ?? []) choice.add(new Option(name, id));
}

let typing;
$("#search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(showProducts, 250);
});
$("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  showProducts();
});
$("#more").addEventListener("click", () => showProducts(nextCursor));
$("#checkout").addEventListener("submit", placeOrder);
$("#checkout").elements.key.value = sessionStorage.getItem("key") ?? "";

showCart();
showCategories();
showProducts();
showOrders();
