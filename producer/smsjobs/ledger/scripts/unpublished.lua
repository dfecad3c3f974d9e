-- Undo the sweep's looks at jobs, or the first look of new ones, because their messages could not be published: the next
-- sweep finds them at once.
--
-- For each job follow its id and how many looks it has had before.
--
-- Returns 1.
-- include ledger/jobs
local agenda = unpack(KEYS)
local now = unpack(ARGV, 1, 1)
now = now_ms(now)
for id, looks in groups(2, 2) do
  local job = job_key(id)
  local f = fields(job, 'state', 'token', 'lease', 'claimed')
  if f.state and not SETTLED[f.state] and not is_held(f) then
    redis.call('HSET', job, 'looks', looks)
    redis.call('ZADD', agenda, ms(now), id)
  end
end
return 1
