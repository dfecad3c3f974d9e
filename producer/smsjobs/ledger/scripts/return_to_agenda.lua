-- Put jobs on the agenda that are not settled and not on it, because the agenda was damaged.
--
-- Then the jobs' ids follow.
--
-- Returns how many were put there.
-- include ledger/jobs
local agenda = unpack(KEYS)
local now = unpack(ARGV, 1, 1)
now = now_ms(now)
local returned = 0
for id in groups(2, 1) do
  local state = redis.pcall('HGET', job_key(id), 'state')
  if type(state) == 'string' and not SETTLED[state] then
    returned = returned + redis.call('ZADD', agenda, 'NX', ms(now), id)
  end
end
return returned
