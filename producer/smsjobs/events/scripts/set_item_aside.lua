-- Set an item of an outbox aside that nobody can read.
--
-- Returns a flat list: what was set aside, what is wrong with it. It is empty if it is not there any more.
-- include ledger/aside
local box, due = unpack(KEYS)
local now, name, id = unpack(ARGV)
local text = redis.call('HGET', box, id)
if text and set_aside(now_ms(now), 'outbox:' .. name .. ':' .. digest_of(id), 'an item that cannot be read', id .. '\n' .. text) then
  redis.call('HDEL', box, id)
end
redis.call('ZREM', due, id)
return newly_aside
