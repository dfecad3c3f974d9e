-- Have everything tried now that is in an outbox and has no time for a try: the times were lost.
--
-- Returns 1.
local box, due = unpack(KEYS)
local now = unpack(ARGV)
for _, id in ipairs(redis.call('HKEYS', box)) do redis.call('ZADD', due, 'NX', ms(now_ms(now)), id) end
return 1
