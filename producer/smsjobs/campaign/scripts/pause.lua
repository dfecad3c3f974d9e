-- Pause a campaign, or let it go on.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (unused)   2 id   3 the reason, or "" to let it go on
-- Returns {"ok"}; {"ended"}: it is cancelled or finished; {"missing"}
local f = redis.call('HMGET', KEYS[1], 'state', 'paused')
if not f[1] then return {'missing'} end
if f[1] == 'cancelled' or f[1] == 'finished' then return {'ended'} end
-- A campaign that paused itself keeps its reason.
if ARGV[3] == '' or f[2] == '' then redis.call('HSET', KEYS[1], 'paused', ARGV[3]) end
return {'ok'}
