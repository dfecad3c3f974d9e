-- Set an item aside that stays where it is: a job's entry, off the agenda; or an idempotency key.
--
-- kind is "job" or "held", and id the job's, or the digest of the key.
--
-- Returns a flat list: what was set aside, what is wrong with it. It is empty if it already is.
-- include ledger/jobs, ledger/aside
local agenda = unpack(KEYS)
local now, kind, id, problem = unpack(ARGV)
now = now_ms(now)
local has_place = set_aside(now, kind .. ':' .. id, problem)
if kind ~= 'job' then return newly_aside end
if has_place then
  redis.call('ZREM', agenda, id)
else
  redis.call('ZADD', agenda, ms(now + ASIDE_FULL), id)
end
return newly_aside
