-- Count one send, if the limits permit it, and give it a code: the live one, or a new one if none is live.
--
-- A send that was counted but not confirmed is returned again instead of a new one. This is done for `again` ms, and
-- after that if the limits refuse a new send. Every caller uses the same idempotency key for it, so it leads to one
-- message at most. So a process that died after the count costs the user nothing.
--
-- Without an old secret, the old keys are the current ones. The client's keys are left out if its address is not known.
-- life is how long (ms) a code lives.
-- most_tries is how many wrong tries are allowed.
-- digits, salt and proof are those of a new code.
-- remember is how long (ms) a dead code is remembered.
-- Then three numbers follow for the number, three for the client and three for the purpose: the most sends in a minute,
-- an hour and a day. -1 means any number.
--
-- Returns {"issued", which code, salt, digits, send, ms of life left, ms until the number's limits permit another}
--         {"refused", "number" | "client" | "purpose", ms until that limit permits it}: nothing was counted
--         {"damaged"}: nothing was counted
-- include verification/codes
-- replicated
local code, old_code, number, old_number, purpose, client, old_client = unpack(KEYS)
local now, life, most_tries, digits, salt, proof, remember, again = unpack(ARGV, 1, 8)
now = now_ms(now)
local most = {}
for minute, hour, day in groups(9, 3) do
  most[#most + 1] = {minute = num(minute), hour = num(hour), day = num(day)}
end
local most_to_number, most_for_client, most_for_purpose = unpack(most)

local function both(current, old) return {current, old ~= current and old or nil} end

local codes, numbers, clients = both(code, old_code), both(number, old_number), both(client, old_client)

local function sends_to_number()
  local times = {}
  for _, each in ipairs(numbers) do
    for _, time in ipairs(redis.call('LRANGE', each, 0, -1)) do
      if num(time) > now - DAY then times[#times + 1] = num(time) end
    end
  end
  table.sort(times)
  return times
end

local function window_start(window) return now - (now + window.shift) % window.length end

-- Aliyun's rule: minutes and hours of the clock, and a day of 24 hours from each send.
local function number_wait(times)
  local wait = 0
  for _, window in ipairs({WINDOWS[1], WINDOWS[2]}) do
    local start, count = window_start(window), 0
    for _, time in ipairs(times) do
      if time >= start then count = count + 1 end
    end
    local limit = most_to_number[window.name]
    if limit >= 0 and count >= limit then wait = math.max(wait, start + window.length - now) end
  end
  local limit = most_to_number.day
  if limit >= 0 and #times >= limit then wait = math.max(wait, times[#times - limit + 1] + DAY - now) end
  return wait
end

local function used(key, window)
  local start, count = unpack(redis.call('HMGET', key, window.name .. '_start', window.name))
  return num(start) == window_start(window) and num(count) or 0
end

local function clock_wait(keys, limits)
  local wait = 0
  for _, window in ipairs(WINDOWS) do
    local count, limit = 0, limits[window.name]
    for _, key in ipairs(keys) do count = count + used(key, window) end
    if limit >= 0 and count >= limit then wait = math.max(wait, window_start(window) + window.length - now) end
  end
  return wait
end

local function count_at(key)
  for _, window in ipairs(WINDOWS) do
    local count = used(key, window) + 1
    redis.call('HSET', key, window.name .. '_start', ms(window_start(window)), window.name, count)
  end
  redis.call('PEXPIRE', key, ms(window_start(WINDOWS[3]) + DAY - now))
end

local which = latest(codes)
local f = which and code_fields(codes[which])
if f and not is_whole(f) then return {'damaged'} end
if f and (num(f.expires) <= now or num(f.tries) >= num(most_tries)) then which, f = nil, nil end

local function issued(send, times)
  local live = fields(codes[which], 'salt', 'digits', 'expires')
  return {'issued', which, live.salt, live.digits, ms(send), ms(num(live.expires) - now), ms(number_wait(times))}
end

local times = sends_to_number()
local pending = f and f.pending
if pending and now < num(f.pending_at) + num(again) then return issued(num(pending), times) end

local whose, wait = 'number', number_wait(times)
local client_wait, purpose_wait = clock_wait(clients, most_for_client), clock_wait({purpose}, most_for_purpose)
if client_wait > wait then whose, wait = 'client', client_wait end
if purpose_wait > wait then whose, wait = 'purpose', purpose_wait end
if wait > 0 then
  if pending then return issued(num(pending), times) end
  return {'refused', whose, ms(wait)}
end

redis.call('RPUSH', number, ms(now))
redis.call('PEXPIRE', number, ms(DAY))
while num(redis.call('LINDEX', number, 0)) <= now - DAY do redis.call('LPOP', number) end
times[#times + 1] = now
if client then count_at(client) end
count_at(purpose)

if not which then
  which = 1
  for _, each in ipairs(codes) do redis.call('DEL', each) end
  redis.call('HSET', code, 'digits', digits, 'salt', salt, 'proof', proof, 'tries', 0)
end
-- Each message says how long its code is valid, so the code lives that long after its last message.
local send = redis.call('HINCRBY', codes[which], 'sends', 1)
redis.call('HSET', codes[which], 'expires', ms(now + num(life)), 'pending', send, 'pending_at', ms(now))
redis.call('PEXPIRE', codes[which], ms(num(life) + num(remember)))
return issued(send, times)
