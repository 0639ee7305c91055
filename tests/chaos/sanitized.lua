-- What wrk sends for sanitized.py, by the environment: LOAD_KIND is mixed, pipelined or closing; LOAD_CUSTOMER_KEY,
-- LOAD_CLERK_KEY and LOAD_ADMIN_KEY are the callers' keys; LOAD_MARK makes names unlike those of the other wrk. One thread.

local kind, mark = os.getenv("LOAD_KIND"), os.getenv("LOAD_MARK")
local products, keys_in_use = tonumber(os.getenv("LOAD_PRODUCTS")), 200
local sent, seen = 0, {}  -- seen: products with the ETag that they last had
counts, statuses = {}, {}

function setup(one) worker = one end

local function bearer(role) return "Authorization: Bearer " .. os.getenv("LOAD_" .. role .. "_KEY") .. "\r\n" end

local function spell(method, path, headers, body)
   local head = method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. wrk.port .. "\r\n" .. (headers or "")
   if kind == "closing" then head = head .. "Connection: close\r\n" end
   if not body then return head .. "\r\n" end
   local patch = method == "PATCH" and "merge-patch+" or ""
   return head .. "Content-Type: application/" .. patch .. "json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

local function product_id(n)
   return string.format("01900000-0000-7000-8000-0003%08x", n and n % products + 1 or math.random(1, products))
end

local reads = {
   get = function() return spell("GET", "/api/v1/products/" .. product_id()) end,
   list = function()
      return spell("GET", string.format("/api/v1/products?category_id=eq.01900000-0000-7000-8000-0002%08x&price=gte.%d" ..
         "&select=id,name,price,category(name)&order=price,id&limit=20", math.random(1, 24), math.random(1, 60)))
   end,
   many = function()
      return spell("GET", "/api/v1/users/01900000-0000-7000-8000-000100000001?select=id,name,orders(id,state,total)" ..
         "&orders.order=placed_at.desc&orders.limit=20", bearer("CLERK"))
   end,
   counted = function() return spell("GET", "/api/v1/products?price=lt.20&select=id&limit=5&count=exact") end,
   file = function() return spell("GET", "/shop.js", "Accept-Encoding: gzip\r\n") end,
   metrics = function() return spell("GET", "/metrics") end,
   missing = function() return spell("GET", "/api/v1/products/01900000-0000-7000-8000-0003ffffffff") end,
}

local writes = {
   post = function()
      return spell("POST", "/api/v1/categories", bearer("ADMIN"), '{"name":"Load ' .. mark .. " " .. sent .. '"}')
   end,
   patch = function()
      local id, etag = next(seen)
      if not id then return reads.get() end
      seen[id] = nil
      return spell("PATCH", "/api/v1/products/" .. id, bearer("CLERK") .. "If-Match: " .. etag .. "\r\n",
         '{"stock":' .. math.random(50, 500) .. "}")
   end,
   -- Few keys at a time, so that many are sent twice, with the same body: while the first runs and after it.
   order = function()
      local turn = math.floor(sent / keys_in_use)
      local n = math.random(1, keys_in_use / 2)
      return spell("POST", "/api/v1/commands/place_order",
         bearer("CUSTOMER") .. "Idempotency-Key: " .. mark .. "-" .. turn .. "-" .. n .. "\r\n",
         '{"items":[{"product_id":"' .. product_id(turn * 7 + n) .. '","quantity":1},{"product_id":"' ..
         product_id(turn * 11 + n * 3) .. '","quantity":2}]}')
   end,
}

local function names_of(...)
   local names = {}
   for _, makers in ipairs({...}) do
      for name in pairs(makers) do names[#names + 1] = name end
   end
   table.sort(names)
   return names
end
local mixed, reading = names_of(reads, writes), names_of(reads)

local function one(names)
   local name = names[math.random(1, #names)]
   counts[name] = (counts[name] or 0) + 1
   sent = sent + 1
   return (reads[name] or writes[name])()
end

function init() math.randomseed(tonumber(os.getenv("LOAD_SEED"))) end

function request()
   if kind ~= "pipelined" then return one(mixed) end
   local parts = {}
   for i = 1, 8 do parts[i] = one(reading) end
   return table.concat(parts)
end

function response(status, headers, body)
   statuses[status] = (statuses[status] or 0) + 1
   local etag = headers["ETag"]
   if status == 200 and etag and etag:sub(1, 1) == '"' then
      local id = body:match('^{"id":"(01900000%-0000%-7000%-8000%-0003%x+)"')
      if id then seen[id] = etag end
   end
end

local function as_json(numbers)
   local parts = {}
   for name, number in pairs(numbers) do parts[#parts + 1] = string.format('"%s":%d', name, number) end
   return "{" .. table.concat(parts, ",") .. "}"
end

function done(summary)
   io.write(string.format('LOAD {"requests":%d,"duration_us":%d,"counts":%s,"statuses":%s}\n', summary.requests,
      summary.duration, as_json(worker:get("counts")), as_json(worker:get("statuses"))))
end
