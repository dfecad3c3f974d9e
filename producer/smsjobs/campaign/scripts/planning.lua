-- Give a planner's sign of life: the file is still being read. lives is how long (ms) it is then assumed to be alive.
--
-- Returns 1, or 0 if nothing needs to be read any more.
-- include ledger/jobs, ledger/campaigns
local campaign = unpack(KEYS)
local now, id, generation, planner, lives = unpack(ARGV)
if redis.call('HGET', campaign, 'generation') ~= generation then return 0 end
return keep_planning(id, now_ms(now), planner, num(lives)) and 1 or 0
