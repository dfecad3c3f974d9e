-- Take what is due from an outbox. Nobody else takes it for the time of the lease.
--
-- most is how many; lease is in ms.
--
-- Returns a flat list of pairs: id, text.
local box, due = unpack(KEYS)
local now, most, lease = unpack(ARGV)
now = now_ms(now)
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', ms(now), 'LIMIT', 0, most)) do
  local text = redis.call('HGET', box, id)
  if text then
    redis.call('ZADD', due, ms(now + num(lease)), id)
    found[#found + 1] = id
    found[#found + 1] = text
  else
    redis.call('ZREM', due, id)
  end
end
return found
