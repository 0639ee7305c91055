-- What wrk sends, by the environment: BENCH_LOAD names it, BENCH_KEY is the caller's key, BENCH_MARK makes the bodies of this
-- round unlike those of all others. wrk runs this file once in each of its threads and once for the report at the end.

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("thread_number", threads)
end

local function head(method, path, more)
   return method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n" .. (more or "")
end

local loads = {}

-- Products in an order without pattern. The requests are written out beforehand: the load must cost less than the server.
function loads.get_product()
   local products = tonumber(os.getenv("BENCH_PRODUCTS"))
   local requests, count, next_one = {}, math.min(products, 20000), 0
   math.randomseed(thread_number)
   for i = 1, count do
      local id = string.format("01900000-0000-7000-8000-0003%08x", math.random(1, products))
      requests[i] = head("GET", "/api/v1/products/" .. id) .. "\r\n"
   end
   return function()
      next_one = next_one % count + 1
      return requests[next_one]
   end
end

-- A row of one short, unique text.
function loads.post_category()
   local name = "Category " .. os.getenv("BENCH_MARK") .. "-" .. thread_number .. "-"
   local length = #'{"name":""}' + #name + 8
   local before = head("POST", "/api/v1/categories", "Authorization: Bearer " .. os.getenv("BENCH_KEY") ..
      "\r\nContent-Type: application/json\r\nContent-Length: " .. length .. "\r\n") .. '\r\n{"name":"' .. name
   local sent, format = 0, string.format
   return function()
      sent = sent + 1
      return before .. format("%08d", sent) .. '"}'
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
