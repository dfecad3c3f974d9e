-- Say that the campaign's file is still being read. lives is for how long (ms) the planner is believed to live.
--
-- Returns 1, or 0 where there is nothing to be read any more.
-- include ledger/jobs, ledger/campaigns
local campaign = unpack(KEYS)
local now, id, generation, planner, lives = unpack(ARGV)
if redis.call('HGET', campaign, 'generation') ~= generation then return 0 end
return keep_planning(id, now_ms(now), planner, num(lives)) and 1 or 0
