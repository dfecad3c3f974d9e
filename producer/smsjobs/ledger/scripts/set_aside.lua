-- Set a job's entry aside: it stays as it is, off the agenda.
--
-- Returns a flat list: what was set aside, what is wrong with it. It is empty if it already is.
-- include ledger/jobs, ledger/aside
local agenda = unpack(KEYS)
local now, id, problem = unpack(ARGV)
now = now_ms(now)
if set_aside(now, 'job:' .. id, problem) then
  redis.call('ZREM', agenda, id)
else
  redis.call('ZADD', agenda, ms(now + ASIDE_FULL), id)
end
return newly_aside
