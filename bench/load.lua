-- What wrk sends, by the environment: BENCH_LOAD names it, BENCH_ADMIN_KEY, BENCH_CLERK_KEY and BENCH_CUSTOMER_KEY are the
-- callers' keys, BENCH_LIST is how this contender spells a list, BENCH_MARK makes the bodies of this round unlike those of all
-- others. wrk runs this file once in each of its threads and once for the report at the end.

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("thread_number", threads)
end

local function head(method, path, more)
   return method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n" .. (more or "")
end

local function bearer(role)
   return "Authorization: Bearer " .. os.getenv("BENCH_" .. role .. "_KEY") .. "\r\n"
end

local function product_id(products)
   return string.format("01900000-0000-7000-8000-0003%08x", math.random(1, products))
end

-- Requests written out beforehand: the load must cost less than the server.
local function in_turn(count, make)
   local requests, next_one = {}, 0
   math.randomseed(thread_number)
   for i = 1, count do requests[i] = make() end
   return function()
      next_one = next_one % count + 1
      return requests[next_one]
   end
end

local loads = {}

-- Products in an order without pattern.
function loads.get_product()
   local products = tonumber(os.getenv("BENCH_PRODUCTS"))
   return in_turn(math.min(products, 20000), function()
      return head("GET", "/api/v1/products/" .. product_id(products)) .. "\r\n"
   end)
end

-- The 20 cheapest of a category from some price on.
function loads.list_products()
   return in_turn(2000, function()
      local category = string.format("01900000-0000-7000-8000-0002%08x", math.random(1, 24))
      return head("GET", string.format(os.getenv("BENCH_LIST"), category, math.random(1, 60))) .. "\r\n"
   end)
end

-- The one user with very many orders.
function loads.get_user()
   local request = head("GET", "/api/v1/users/01900000-0000-7000-8000-000100000001?select=id,name,orders(id,state,total,placed_at)" ..
      "&orders.order=placed_at.desc&orders.limit=20", bearer("CLERK")) .. "\r\n"
   return function() return request end
end

-- A row of one short, unique text.
function loads.post_category()
   local name = "Category " .. os.getenv("BENCH_MARK") .. "-" .. thread_number .. "-"
   local length = #'{"name":""}' + #name + 8
   local before = head("POST", "/api/v1/categories", bearer("ADMIN") ..
      "Content-Type: application/json\r\nContent-Length: " .. length .. "\r\n") .. '\r\n{"name":"' .. name
   local sent, format = 0, string.format
   return function()
      sent = sent + 1
      return before .. format("%08d", sent) .. '"}'
   end
end

-- One of each of three products, with a key of its own.
function loads.place_order()
   local products, bodies, count, sent = tonumber(os.getenv("BENCH_PRODUCTS")), {}, 5000, 0
   math.randomseed(thread_number)
   for i = 1, count do
      local items = {}
      for j = 1, 3 do items[j] = '{"product_id":"' .. product_id(products) .. '","quantity":1}' end
      bodies[i] = '\r\n\r\n{"items":[' .. table.concat(items, ",") .. "]}"
   end
   local length = #bodies[1] - 4
   local before = head("POST", "/api/v1/commands/place_order", bearer("CUSTOMER") ..
      "Content-Type: application/json\r\nContent-Length: " .. length .. "\r\n") ..
      "Idempotency-Key: key-" .. os.getenv("BENCH_MARK") .. "-" .. thread_number .. "-"
   return function()
      sent = sent + 1
      return before .. sent .. bodies[sent % count + 1]
   end
end

function init(args)
   request = loads[os.getenv("BENCH_LOAD")]()
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format('BENCH {"duration_us":%d,"requests":%d,"bytes":%d,"connect":%d,"read":%d,"write":%d,"status":%d,' ..
      '"timeout":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}\n', summary.duration, summary.requests, summary.bytes,
      errors.connect, errors.read, errors.write, errors.status, errors.timeout, latency:percentile(50),
      latency:percentile(99), latency.max))
end
