-- Have everything in an outbox that waits for its next try tried now. What is parked stays so.
--
-- Returns how many items that is.
local due = unpack(KEYS)
local now = unpack(ARGV)
local PARKED = '4000000000000000'
local waiting = redis.call('ZRANGEBYSCORE', due, '-inf', '(' .. PARKED)
for _, id in ipairs(waiting) do redis.call('ZADD', due, ms(now_ms(now)), id) end
return #waiting
