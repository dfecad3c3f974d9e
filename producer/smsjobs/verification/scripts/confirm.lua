-- Note that a send is in the ledger, so that the next one is new.
--
-- salt is the one of its code; send is its number.
--
-- Returns 1, or 0 if there is nothing to confirm any more.
-- replicated
local code = unpack(KEYS)
local salt, send = unpack(ARGV)
local f = fields(code, 'salt', 'pending')
if f.salt ~= salt or f.pending ~= send then return 0 end
redis.call('HDEL', code, 'pending', 'pending_at')
return 1
