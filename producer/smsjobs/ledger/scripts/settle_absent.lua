-- Record an outcome for an id without an entry, such as that of a message that no version of smsjobs wrote.
--
-- Returns 1, or 0 if there is already an entry.
-- replicated
local job = unpack(KEYS)
local state, outcome, keep = unpack(ARGV)
if redis.call('EXISTS', job) == 1 then return 0 end
redis.call('HSET', job, 'state', state, 'outcome', outcome, 'token', '')
redis.call('PEXPIRE', job, keep)
return 1
