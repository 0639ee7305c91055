// ---- The client: the same for every app

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A row as it is read; a column is missing where its own rule keeps it from the caller. */
export type Row<T extends keyof Tables> = Tables[T]["row"];
export type Create<T extends keyof Tables> = Tables[T]["create"];
export type Patch<T extends keyof Tables> = Tables[T]["patch"];
/** What addresses a row: its id or natural key; of several columns, their values in order. */
export type Key<T extends keyof Tables> = Tables[T]["key"];

/** RFC 9457. The codes are listed at /docs/errors; steps of the app may have their own. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  instance?: string;
  request_id?: string;
  parameter?: string;
  offset?: number;
  errors?: { pointer: string; code: string; detail?: string }[];
}

/** The server refused. What could not reach the server at all is the error of `fetch`. */
export class Problem extends Error {
  readonly status: number;
  /** For programs: "out_of_stock", "validation_failed"… */
  readonly code: string;
  /** What is wrong with the body, by JSON pointer. */
  readonly errors: readonly { pointer: string; code: string; detail?: string }[];
  readonly requestId: string | undefined;
  readonly document: ProblemDocument;
  constructor(document: ProblemDocument) {
    super(document.detail ?? document.title);
    this.document = document;
    this.name = "Problem";
    this.status = document.status;
    this.code = document.code;
    this.errors = document.errors ?? [];
    this.requestId = document.request_id;
  }
}

export interface ClientOptions {
  /** "http://127.0.0.1:8080"; "" for the page's own server. */
  url: string;
  /** A key of `mettle key create`, or what gives one at each call. */
  key?: string | (() => string | undefined | Promise<string | undefined>);
  /** How often to try again what may be tried again; 2. */
  retries?: number;
  /** Sent with every request. */
  headers?: Record<string, string>;
  fetch?: typeof fetch;
}

export interface CallOptions {
  signal?: AbortSignal;
  /** One key, one effect, however often it is sent. Made for each write if it is not given. */
  idempotencyKey?: string;
  headers?: Record<string, string>;
}
export interface ChangeOptions extends CallOptions {
  /** Change the row only if it still is as it was read: the row itself, or its ETag. */
  ifMatch?: string | object;
}
export interface ManyOptions extends CallOptions {
  /** Refuse, and change nothing, where more rows match. */
  maxAffected?: number;
}

type Text<R> = Extract<keyof R, string>;
type Comparable<V> = V extends string
  ? string extends V
    ? V | number
    : V
  : V extends number | boolean
    ? V
    : never;
export interface Operators<V> {
  eq?: V;
  neq?: V;
  gt?: V;
  gte?: V;
  lt?: V;
  lte?: V;
  in?: readonly V[];
  /** `*` stands for any text. */
  like?: string;
  ilike?: string;
  /** A regular expression (RE2). */
  match?: string;
  is?: null | boolean;
}
/** A value: equal to it. null: has none. A list: one of them. Else operators, all of which hold. */
export type Filter<V> =
  | V
  | null
  | readonly V[]
  | (Operators<V> & { not?: Operators<V> });
export type Where<R> = { [C in keyof R]?: Filter<Comparable<NonNullable<R[C]>>> };
export type Order<R> = Text<R> | `${Text<R>}.${"asc" | "desc"}` | `${Text<R>}.${"asc" | "desc"}.${"nullsfirst" | "nullslast"}`;

export interface ListOptions<R, C extends keyof R = keyof R> {
  /** These columns only. */
  select?: readonly C[];
  where?: Where<R>;
  /** Any of these, in the grammar of the wire: "stock.gt.0,state.eq.preorder". */
  or?: string;
  order?: readonly Order<R>[];
  /** At most 1000; 20 if it is not given. */
  limit?: number;
  offset?: number;
  /** `next_cursor` of the page before. */
  cursor?: string;
  /** Also count all that match. */
  count?: boolean;
}
export interface Page<R> {
  items: R[];
  /** null: this was the last page. */
  next_cursor: string | null;
  total?: number;
  /** The count stopped at its bound. */
  total_is_bound?: boolean;
}

export interface Operation {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the API's prefix: "/orders", "/orders/$o.id". */
  path: string;
  /** May refer to earlier results: {order_id: "$o.id"}. */
  body?: Json;
  if_match?: string;
  as?: string;
}
export interface BatchAnswer {
  results: { status: number; headers: Record<string, string>; body: Json }[];
}

interface Asked {
  method: string;
  path: string;
  query?: URLSearchParams;
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
  /** Takes an Idempotency-Key. */
  keyed?: boolean;
  /** The response itself is wanted, its body unread. */
  whole?: boolean;
  options?: CallOptions;
}
interface Answer {
  response: Response;
  text: string;
}

/** Rows remember the ETag they came with. */
const etags = new WeakMap<object, string>();

/** The ETag of a row that `get` or a write gave. */
export function etagOf(row: object): string | undefined {
  return etags.get(row);
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

function problemOf(response: Response, text: string): Problem {
  const status = response.status;
  try {
    const document = JSON.parse(text) as Partial<ProblemDocument> | null;
    if (typeof document?.code === "string") {
      return new Problem({ type: "about:blank", title: document.code, status, ...document } as ProblemDocument);
    }
  } catch {
    // Something else answered, such as a proxy.
  }
  const title = `${status} ${response.statusText}`.trim();
  return new Problem({ type: "about:blank", title, status, code: `http_${status}` });
}

function mayPass(problem: Problem): boolean {
  return [429, 502, 503, 504].includes(problem.status) || problem.code === "idempotency_in_progress";
}

class Transport {
  private readonly base: string;
  private readonly fetch: typeof fetch;
  private readonly options: ClientOptions;
  constructor(options: ClientOptions) {
    this.options = options;
    this.base = options.url.replace(/\/+$/, "");
    this.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  }

  async json<T>(asked: Asked): Promise<T> {
    const { response, text } = await this.send(asked);
    const value = (text === "" ? undefined : JSON.parse(text)) as T;
    const etag = response.headers.get("ETag");
    if (etag !== null && typeof value === "object" && value !== null) etags.set(value, etag);
    return value;
  }

  /** Any answer below 400; else a Problem. */
  async send(asked: Asked): Promise<Answer> {
    const { signal } = asked.options ?? {};
    const headers = await this.headers(asked);
    const init: RequestInit = { method: asked.method, headers, redirect: "manual" };
    if (signal) init.signal = signal;
    if (asked.body !== undefined) init.body = JSON.stringify(asked.body);
    const query = asked.query?.toString();
    const url = this.base + asked.path + (query ? `?${query}` : "");
    // A read, or a write with a key: has one effect, however often it arrives.
    const repeatable = asked.method === "GET" || "Idempotency-Key" in headers;
    const tries = repeatable ? 1 + (this.options.retries ?? 2) : 1;
    for (let attempt = 1; ; ++attempt) {
      let wait = 200 * 2 ** (attempt - 1) * (0.5 + Math.random());
      try {
        const response = await this.fetch(url, init);
        const copy = asked.whole ? response.clone() : response;
        const text = await response.text();
        if (response.status < 400) return { response: copy, text };
        const problem = problemOf(response, text);
        if (attempt >= tries || !mayPass(problem)) throw problem;
        const after = Number(response.headers.get("Retry-After"));
        if (after > 0) wait = Math.min(after, 30) * 1000;
      } catch (error) {
        if (attempt >= tries || signal?.aborted) throw error;
        if (error instanceof Problem && !mayPass(error)) throw error;
      }
      await pause(wait, signal);
    }
  }

  private async headers(asked: Asked): Promise<Record<string, string>> {
    const { key } = this.options;
    const bearer = typeof key === "function" ? await key() : key;
    const headers: Record<string, string> = { ...this.options.headers, ...asked.headers };
    if (bearer) headers["Authorization"] = `Bearer ${bearer}`;
    if (asked.body !== undefined) headers["Content-Type"] = asked.type ?? "application/json";
    const own = asked.options?.idempotencyKey ?? (asked.keyed ? newKey() : undefined);
    if (own !== undefined) headers["Idempotency-Key"] = own;
    return { ...headers, ...asked.options?.headers };
  }
}

type Operand = string | number | boolean;

function inQuotes(value: Operand): string {
  return `"${String(value).replace(/[\\"]/g, "\\$&")}"`;
}

function addOperators(query: URLSearchParams, column: string, operators: object, negated: string): void {
  for (const [operator, operand] of Object.entries(operators) as [string, unknown][]) {
    if (operand === undefined) continue;
    if (operator === "not") {
      addOperators(query, column, operand as object, "not.");
    } else if (operator === "in") {
      query.append(column, `${negated}in.(${(operand as Operand[]).map(inQuotes).join(",")})`);
    } else {
      query.append(column, `${negated}${operator}.${String(operand)}`);
    }
  }
}

function addWhere<R>(query: URLSearchParams, where: Where<R> | undefined): void {
  for (const [column, filter] of Object.entries(where ?? {}) as [string, unknown][]) {
    if (filter === undefined) continue;
    if (filter === null) query.append(column, "is.null");
    else if (Array.isArray(filter)) addOperators(query, column, { in: filter }, "");
    else if (typeof filter === "object") addOperators(query, column, filter, "");
    else query.append(column, `eq.${String(filter)}`);
  }
}

function listQuery<R, C extends keyof R>(options: ListOptions<R, C>): URLSearchParams {
  const query = new URLSearchParams();
  if (options.select) query.set("select", options.select.map(String).join(","));
  addWhere(query, options.where);
  if (options.or !== undefined) query.set("or", `(${options.or})`);
  if (options.order) query.set("order", options.order.join(","));
  if (options.limit !== undefined) query.set("limit", String(options.limit));
  if (options.offset !== undefined) query.set("offset", String(options.offset));
  if (options.cursor !== undefined) query.set("cursor", options.cursor);
  if (options.count) query.set("count", "exact");
  return query;
}

/** Members of an input as a query string; what is null or undefined is left out. */
function inputQuery(input: object): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(input) as [string, unknown][]) {
    if (value === undefined || value === null) continue;
    query.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return query;
}

const mergePatch = "application/merge-patch+json";

export class Table<T extends keyof Tables> {
  private readonly transport: Transport;
  private readonly path: string;
  constructor(transport: Transport, name: T) {
    this.transport = transport;
    this.path = `${apiPrefix}/${String(name)}`;
  }

  list<C extends keyof Row<T> = keyof Row<T>>(
    options: ListOptions<Row<T>, C> = {},
    call: CallOptions = {},
  ): Promise<Page<Pick<Row<T>, C>>> {
    return this.transport.json({ method: "GET", path: this.path, query: listQuery(options), options: call });
  }

  /** A list by parameters as they go over the wire: for embedding, aliases, aggregates, json paths. */
  listAs<R>(parameters: Record<string, string>, call: CallOptions = {}): Promise<Page<R>> {
    return this.transport.json({
      method: "GET",
      path: this.path,
      query: new URLSearchParams(parameters),
      options: call,
    });
  }

  /** Page after page, to the end. */
  async *pages<C extends keyof Row<T> = keyof Row<T>>(
    options: ListOptions<Row<T>, C> = {},
    call: CallOptions = {},
  ): AsyncGenerator<Page<Pick<Row<T>, C>>, void, undefined> {
    let page = await this.list(options, call);
    yield page;
    while (page.next_cursor !== null) {
      const { offset: _, ...rest } = options;
      page = await this.list({ ...rest, cursor: page.next_cursor }, call);
      yield page;
    }
  }

  /** Row after row, to the end; a page is asked for when it is needed. */
  async *all<C extends keyof Row<T> = keyof Row<T>>(
    options: ListOptions<Row<T>, C> = {},
    call: CallOptions = {},
  ): AsyncGenerator<Pick<Row<T>, C>, void, undefined> {
    for await (const page of this.pages(options, call)) yield* page.items;
  }

  get(key: Key<T>, call: CallOptions = {}): Promise<Row<T>> {
    return this.transport.json({ method: "GET", path: this.row(key), options: call });
  }

  create(row: Create<T>, call: CallOptions = {}): Promise<Row<T>> {
    return this.transport.json({ method: "POST", path: this.path, body: row, keyed: true, options: call });
  }

  /** All of them or none. */
  async createMany(rows: readonly Create<T>[], call: CallOptions = {}): Promise<Row<T>[]> {
    const made = await this.transport.json<{ items: Row<T>[] }>({
      method: "POST",
      path: this.path,
      body: rows,
      keyed: true,
      options: call,
    });
    return made.items;
  }

  /** Creates the row where it is not there. */
  replace(key: Key<T>, row: Create<T>, change: ChangeOptions = {}): Promise<Row<T>> {
    return this.change("PUT", key, row, "application/json", change);
  }

  /** Changes what is named, the rest stays. */
  patch(key: Key<T>, changes: Patch<T>, change: ChangeOptions = {}): Promise<Row<T>> {
    return this.change("PATCH", key, changes, mergePatch, change);
  }

  async remove(key: Key<T>, change: ChangeOptions = {}): Promise<void> {
    await this.change("DELETE", key, undefined, "", change);
  }

  /** Changes the rows that `where` selects, and gives them as they are now. */
  async patchWhere(where: Where<Row<T>>, changes: Patch<T>, many: ManyOptions = {}): Promise<Row<T>[]> {
    const changed = await this.transport.json<{ items: Row<T>[] }>({
      method: "PATCH",
      path: this.path,
      query: this.many(where, many),
      body: changes,
      type: mergePatch,
      keyed: true,
      options: many,
    });
    return changed.items;
  }

  async removeWhere(where: Where<Row<T>>, many: ManyOptions = {}): Promise<void> {
    const query = this.many(where, many);
    await this.transport.send({ method: "DELETE", path: this.path, query, keyed: true, options: many });
  }

  private many(where: Where<Row<T>>, many: ManyOptions): URLSearchParams {
    const query = new URLSearchParams();
    addWhere(query, where);
    if (many.maxAffected !== undefined) query.set("max_affected", String(many.maxAffected));
    return query;
  }

  private change(
    method: string,
    key: Key<T>,
    body: unknown,
    type: string,
    change: ChangeOptions,
  ): Promise<Row<T>> {
    const { ifMatch } = change;
    const etag = typeof ifMatch === "object" ? etags.get(ifMatch) : ifMatch;
    if (ifMatch !== undefined && etag === undefined) {
      throw new TypeError("ifMatch: this row came with no ETag; take one that get() or a write gave");
    }
    const headers: Record<string, string> = etag === undefined ? {} : { "If-Match": etag };
    return this.transport.json({ method, path: this.row(key), body, type, headers, keyed: true, options: change });
  }

  private row(key: Key<T>): string {
    const parts: readonly unknown[] = Array.isArray(key) ? key : [key];
    return `${this.path}/${parts.map((part) => encodeURIComponent(String(part))).join("/")}`;
  }
}

/** The input may be left out where none of its members is needed. */
type Input<I> = Record<string, never> extends I ? [input?: I, call?: CallOptions] : [input: I, call?: CallOptions];
type RouteInput<P, I> =
  Record<string, never> extends P
    ? Record<string, never> extends I
      ? { path?: P; input?: I }
      : { path?: P; input: I }
    : Record<string, never> extends I
      ? { path: P; input?: I }
      : { path: P; input: I };

export class Client {
  private readonly transport: Transport;
  constructor(options: ClientOptions) {
    this.transport = new Transport(options);
  }

  table<T extends keyof Tables>(name: T): Table<T> {
    return new Table(this.transport, name);
  }

  /** Runs a command, once, however often the network makes it be sent. */
  command<C extends keyof Commands>(
    name: C,
    ...[input, call]: Input<Commands[C]["input"]>
  ): Promise<Commands[C]["output"]> {
    return this.transport.json({
      method: "POST",
      path: `${apiPrefix}/commands/${String(name)}`,
      body: input ?? {},
      keyed: true,
      options: call ?? {},
    });
  }

  query<Q extends keyof Queries>(
    name: Q,
    ...[input, call]: Input<Queries[Q]["input"]>
  ): Promise<Queries[Q]["output"]> {
    return this.transport.json({
      method: "GET",
      path: `${apiPrefix}/queries/${String(name)}`,
      query: inputQuery(input ?? {}),
      options: call ?? {},
    });
  }

  /** Calls a route of the app's own: call("GET /s/{code}", {path: {code: "abc"}}). */
  async call<R extends keyof Routes>(
    route: R,
    given: RouteInput<Routes[R]["path"], Routes[R]["input"]>,
    call: CallOptions = {},
  ): Promise<Routes[R]["output"]> {
    const [method = "GET", template = "/"] = String(route).split(" ");
    const path = (given.path ?? {}) as Record<string, string>;
    const input = (given.input ?? {}) as object;
    const asked: Asked = {
      method,
      path: template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? "")),
      keyed: keyedRoutes.includes(String(route)),
      whole: true,
      options: call,
    };
    if (method === "GET" || method === "DELETE") asked.query = inputQuery(input);
    else asked.body = input;
    const { response, text } = await this.transport.send(asked);
    const type = response.headers.get("Content-Type") ?? "";
    const output = (value: unknown) => value as Routes[R]["output"];
    if (response.status >= 300) return output(response);
    if (text === "") return output(undefined);
    if (type.startsWith("application/json")) return output(JSON.parse(text));
    return output(type.startsWith("text/") ? text : response);
  }

  /** Many operations in one transaction: all of them or none. */
  batch(operations: readonly Operation[], call: CallOptions = {}): Promise<BatchAnswer> {
    return this.transport.json({
      method: "POST",
      path: `${apiPrefix}/batch`,
      body: { operations },
      keyed: true,
      options: call,
    });
  }
}

export function createClient(options: ClientOptions): Client {
  return new Client(options);
}
