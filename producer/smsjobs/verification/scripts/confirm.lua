-- A send is in the ledger: the next one is a new one.
--
-- KEYS  1 sms:code:<tag>
-- ARGV  1 salt of its code   2 its number
-- Returns 1, or 0 where there is nothing to confirm any more.
local f = redis.call('HMGET', KEYS[1], 'salt', 'pending')
if f[1] ~= ARGV[1] or f[2] ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'pending', 'pending_at')
return 1
