-- Put something into an outbox, or change what is there.
--
-- text is what is put, as a text; name is the outbox's.
-- delay is the time (ms) until it is tried, or -1 to park it.
-- only is 1 if nothing is put where it is not there any more.
-- most is how many may be parked; the oldest are dropped.
--
-- Returns how many were dropped.
local box, due, all = unpack(KEYS)
local now, name, id, text, delay, only, most = unpack(ARGV)
now = now_ms(now)
-- What is parked has a due time that never comes, in the order of the parking.
local PARKED = 4000000000000000
if only == '1' and redis.call('HEXISTS', box, id) == 0 then return 0 end
redis.call('SADD', all, name)
redis.call('HSET', box, id, text)
redis.call('ZADD', due, ms(num(delay) < 0 and PARKED + now or now + num(delay)), id)
local surplus = num(delay) < 0 and redis.call('ZCOUNT', due, ms(PARKED), '+inf') - num(most) or 0
for _, each in ipairs(surplus > 0 and redis.call('ZRANGEBYSCORE', due, ms(PARKED), '+inf', 'LIMIT', 0, surplus) or {}) do
  redis.call('HDEL', box, each)
  redis.call('ZREM', due, each)
end
return math.max(surplus, 0)
