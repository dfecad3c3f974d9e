-- Take what is due from an outbox. Nobody else takes it for the time of the lease.
--
-- most is how many; lease is in ms.
--
-- Returns {their ids, a flat list: what was set aside, what is wrong with it}.
-- include ledger/aside
local box, due = unpack(KEYS)
local now, most, lease = unpack(ARGV)
now = now_ms(now)
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', ms(now), 'LIMIT', 0, most)) do
  local text = redis.call('HGET', box, id)
  if text and not is_id(id) then
    set_aside(now, 'outbox:' .. string.sub(box, #ELEMENT + 2) .. ':' .. digest_of(id), 'not a valid id', id .. '\n' .. text)
    redis.call('ZREM', due, id)
    redis.call('HDEL', box, id)
  elseif text then
    redis.call('ZADD', due, ms(now + num(lease)), id)
    found[#found + 1] = id
  else
    redis.call('ZREM', due, id)
  end
end
return {found, newly_aside}
