-- The load of one workload: requests are put together from a plan, every answer is looked at.
-- wrk gives each thread a Lua state of its own; there is one thread. Arguments: the plan (a Lua file).
local plan, serial, zipf, rankOf
local random, floor, find, gmatch, sub = math.random, math.floor, string.find, string.gmatch, string.sub
local wrong, firstWrong, served = 0, nil, 0
local threads = {}

function setup(thread) table.insert(threads, thread) end

-- Zipfian draws by Gray et al., "Quickly generating billion-record synthetic databases" (1994), as YCSB has it;
-- a multiplicative hash spreads the popular ranks over all keys.
local function prepareRanks(n)
  local theta, zetan = 0.99, 0
  for i = 1, n do zetan = zetan + 1 / i ^ theta end
  local zeta2 = 1 + 0.5 ^ theta
  local alpha = 1 / (1 - theta)
  local eta = (1 - (2 / n) ^ (1 - theta)) / (1 - zeta2 / zetan)
  return function()
    local u = random()
    local uz = u * zetan
    if uz < 1 then return 0 elseif uz < zeta2 then return 1 end
    return math.min(n - 1, floor(n * (eta * u - eta + 1) ^ alpha))
  end
end

local draws = {
  uniform = function() return random(0, plan.keys - 1) end,
  zipfian = function() return zipf() end,
  one = function() return 0 end,
  fresh = function() serial = serial + 1; return serial end,
  each = function() serial = serial + 1; return (serial - 1) % plan.keys end,
  -- YCSB's "latest": the newest keys are the popular ones. The last thousand that were sent may not be there yet.
  latest = function()
    local added = math.max(0, serial - plan.firstFresh - 1000)
    local number = plan.keys + added - 1 - rankOf()
    if number < plan.keys then return number end
    return plan.firstFresh + number - plan.keys + 1
  end,
}

function init(args)
  plan = dofile(args[1])
  math.randomseed(plan.seed)
  serial = plan.firstFresh
  rankOf = prepareRanks(plan.keys)
  zipf = function() return (rankOf() * 2654435761) % plan.keys end
  filler = plan.filler
end

local function text(format, number, isValue)
  local key = string.format('key%09d', number)
  if isValue then key = key .. filler end
  return key
end

local alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
local function base64(data)
  local out = {}
  for i = 1, #data, 3 do
    local a, b, c = data:byte(i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    local function at(shift) local k = floor(n / shift) % 64 + 1; return alphabet:sub(k, k) end
    out[#out + 1] = at(262144) .. at(4096) .. (b and at(64) or '=') .. (c and at(1) or '=')
  end
  return table.concat(out)
end

local prepared = {}
local function encoded(number, isValue)
  local plain = text(nil, number, isValue)
  if not plan.base64 then return plain end
  -- Keys have 12 characters, so that a value's code begins with its key's; the filler's is the same for all.
  if not isValue then return base64(plain) end
  prepared.filler = prepared.filler or base64(filler)
  return base64(text(nil, number, false)) .. prepared.filler
end

function request()
  local r, operation = random(), nil
  for _, one in ipairs(plan.operations) do
    operation = one
    if r < one.upTo then break end
  end
  local number = draws[operation.isNew and 'fresh' or plan.draw]()
  local parts, out = operation.parts, {}
  for i = 1, #parts do
    local part = parts[i]
    if part == 1 then
      out[i] = encoded(number, false)
      if operation.many then number = draws[plan.draw]() end
    elseif part == 2 then out[i] = encoded(number, true)
    elseif part == 3 then out[i] = string.format('%s%09d', plan.secret, number % plan.tenants)
    else out[i] = part end
  end
  return table.concat(out)
end

local function isRight(status, body)
  if status ~= 200 or find(body, '"errors"', 1, true) then return false end
  for _, operation in ipairs(plan.operations) do
    local good, pairsFound = true, 0
    for _, mark in ipairs(operation.marks) do
      if not find(body, mark, 1, true) then good = false break end
    end
    if good and operation.pair then
      for key, value in gmatch(body, operation.pair) do
        if sub(value, 1, #key) ~= key then good = false break end
        pairsFound = pairsFound + 1
      end
      if pairsFound < operation.pairs then good = false end
    end
    if good then return true end
  end
  return false
end

function response(status, headers, body)
  served = served + 1
  if not isRight(status, body) then
    wrong = wrong + 1
    wrongCount = wrong
    if not firstWrong then firstWrong = status .. ' ' .. sub(body, 1, 400); wrongText = firstWrong end
  end
end

function done(summary, latency, requests)
  local bad, example = 0, ''
  for _, thread in ipairs(threads) do
    bad = bad + (thread:get('wrongCount') or 0)
    example = thread:get('wrongText') or example
  end
  local e = summary.errors
  io.write(string.format('RESULT %d %d %d %d %d %d %d\n', summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), bad, e.connect + e.read + e.write + e.timeout, e.status))
  if bad > 0 then io.write('WRONG ' .. example:gsub('\n', ' ') .. '\n') end
end
