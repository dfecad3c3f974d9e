-- Count one send, if the limits permit it, and give it a code: the live one, else a new one.
--
-- A send that was counted but never confirmed is given out again instead of a new one: for as long as ARGV 8 says, and
-- after it where the limits refuse a new one. Whoever carries it out uses the same idempotency key, so it leads to one
-- message at most; and a process that died after it was counted costs the user nothing.
--
-- KEYS  1, 2 sms:code:<tag>   3, 4 sms:code:number:<tag>   5, 6 sms:code:client:<tag> or ""   7 sms:code:purpose:<name>
-- ARGV  1 now (0: Redis's clock)   2 ms of a code's life   3 most wrong tries   4 digits, 5 salt, 6 proof of a new code
--       7 ms for which a dead code is remembered   8 ms for which an unconfirmed send is given out again
--       9-11 most sends to a number in a minute, hour, 24 hours   12-14 to an address   15-17 of the purpose; -1: any
-- Returns {"issued", which key, salt, digits, send, ms of life left, ms until the number's limits permit another}
--         {"refused", "number" | "client" | "purpose", ms until that limit permits it}: nothing was counted
local now = now_ms(ARGV[1])
local ttl = num(ARGV[2])

local function limits(first) return {num(ARGV[first]), num(ARGV[first + 1]), num(ARGV[first + 2])} end

local function sends_to_number()
  local times = {}
  for i = 3, 4 do
    if KEYS[i] ~= '' then
      for _, time in ipairs(redis.call('LRANGE', KEYS[i], 0, -1)) do
        if num(time) > now - DAY then times[#times + 1] = num(time) end
      end
    end
  end
  table.sort(times)
  return times
end

-- Aliyun's rule: minute and hour by the clock, and a day of 24 hours from each send.
local function number_wait(times, limit)
  local wait = 0
  for i = 1, 2 do
    local length = WINDOWS[i][2]
    local start, count = now - now % length, 0
    for _, time in ipairs(times) do
      if time >= start then count = count + 1 end
    end
    if limit[i] >= 0 and count >= limit[i] then wait = math.max(wait, start + length - now) end
  end
  if limit[3] >= 0 and #times >= limit[3] then
    wait = math.max(wait, times[#times - limit[3] + 1] + DAY - now)
  end
  return wait
end

local function window_start(window) return now - (now + window[3]) % window[2] end

local function used(key, window)
  if key == '' then return 0 end
  local f = redis.call('HMGET', key, window[1] .. '_start', window[1])
  return num(f[1]) == window_start(window) and num(f[2]) or 0
end

local function clock_wait(first, last, limit)
  local wait = 0
  for i, window in ipairs(WINDOWS) do
    local count = 0
    for key = first, last do count = count + used(KEYS[key], window) end
    if limit[i] >= 0 and count >= limit[i] then wait = math.max(wait, window_start(window) + window[2] - now) end
  end
  return wait
end

local function count_at(key)
  if key == '' then return end
  for _, window in ipairs(WINDOWS) do
    local count = used(key, window) + 1
    redis.call('HSET', key, window[1] .. '_start', ms(window_start(window)), window[1], count)
  end
  redis.call('PEXPIRE', key, ms(window_start(WINDOWS[3]) + DAY - now))
end

local which = latest()
if which then
  local f = redis.call('HMGET', KEYS[which], 'expires', 'tries')
  if num(f[1]) <= now or num(f[2]) >= num(ARGV[3]) then which = nil end
end

local function issued(send, times)
  local f = redis.call('HMGET', KEYS[which], 'salt', 'digits', 'expires')
  return {'issued', which, f[1], f[2], ms(send), ms(num(f[3]) - now), ms(number_wait(times, limits(9)))}
end

local times = sends_to_number()
local pending = which and redis.call('HMGET', KEYS[which], 'pending', 'pending_at') or {}
if pending[1] and now < num(pending[2]) + num(ARGV[8]) then return issued(num(pending[1]), times) end

local whose, wait = 'number', number_wait(times, limits(9))
for _, other in ipairs({{'client', clock_wait(5, 6, limits(12))}, {'purpose', clock_wait(7, 7, limits(15))}}) do
  if other[2] > wait then whose, wait = other[1], other[2] end
end
if wait > 0 then
  if pending[1] then return issued(num(pending[1]), times) end
  return {'refused', whose, ms(wait)}
end

redis.call('RPUSH', KEYS[3], ms(now))
redis.call('PEXPIRE', KEYS[3], ms(DAY))
while num(redis.call('LINDEX', KEYS[3], 0)) <= now - DAY do redis.call('LPOP', KEYS[3]) end
times[#times + 1] = now
count_at(KEYS[5])
count_at(KEYS[7])

if not which then
  which = 1
  for i = 1, 2 do
    if KEYS[i] ~= '' then redis.call('DEL', KEYS[i]) end
  end
  redis.call('HSET', KEYS[1], 'digits', ARGV[4], 'salt', ARGV[5], 'proof', ARGV[6], 'tries', 0)
end
-- The message says how long its code is good for, so a code lives for that long after its last message.
local send = redis.call('HINCRBY', KEYS[which], 'sends', 1)
redis.call('HSET', KEYS[which], 'expires', ms(now + ttl), 'pending', send, 'pending_at', ms(now))
redis.call('PEXPIRE', KEYS[which], ms(ttl + num(ARGV[7])))
return issued(send, times)
