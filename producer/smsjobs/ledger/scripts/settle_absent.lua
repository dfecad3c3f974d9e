-- Record an outcome for an id that has no entry, such as a message that no version of us wrote.
--
-- Returns 1, or 0 where there is an entry already.
local job = unpack(KEYS)
local state, outcome, keep = unpack(ARGV)
if redis.call('EXISTS', job) == 1 then return 0 end
redis.call('HSET', job, 'state', state, 'outcome', outcome, 'token', '')
redis.call('PEXPIRE', job, keep)
return 1
