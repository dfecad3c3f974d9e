-- Set a job's deliveries aside: its entry stays as it is, and nothing more is pulled.
--
-- Returns a flat list: what was set aside, what is wrong with it. It is empty if it already is.
-- include ledger/aside
local codes, others = unpack(KEYS)
local now, id, problem = unpack(ARGV)
now = now_ms(now)
if set_aside(now, 'delivery:' .. id, problem) then
  redis.pcall('ZREM', codes, id)
  redis.pcall('ZREM', others, id)
end
return newly_aside
