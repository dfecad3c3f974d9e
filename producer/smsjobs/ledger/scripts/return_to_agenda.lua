-- Put jobs on the agenda that are not settled and not on it, and among the deliveries to pull those that wait for one,
-- because one of these keys was damaged.
--
-- Then the jobs' ids follow.
--
-- Returns how many were put there.
-- include ledger/jobs, ledger/pulls
local agenda = unpack(KEYS)
local now = unpack(ARGV, 1, 1)
now = now_ms(now)
local returned = 0
for id in groups(2, 1) do
  local ok, f = pcall(fields, job_key(id), 'state', 'lane', 'numbers')
  if ok and f.state and not SETTLED[f.state] then
    returned = returned + redis.call('ZADD', agenda, 'NX', ms(now), id)
  elseif ok and f.numbers then
    returned = returned + redis.call('ZADD', pulls_key(f.lane), 'NX', ms(now), id)
  end
end
return returned
