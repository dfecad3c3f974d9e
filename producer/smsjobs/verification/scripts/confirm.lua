-- A send is in the ledger: the next one is a new one.
--
-- salt is of its code, send is its number.
--
-- Returns 1, or 0 where there is nothing to confirm any more.
local code = unpack(KEYS)
local salt, send = unpack(ARGV)
local f = fields(code, 'salt', 'pending')
if f.salt ~= salt or f.pending ~= send then return 0 end
redis.call('HDEL', code, 'pending', 'pending_at')
return 1
