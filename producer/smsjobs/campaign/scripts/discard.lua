-- Forget a campaign whose plan is not complete. Nothing of it was sent.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (unused)   2 id
-- Returns 1, or 0 where it is another one's by now.
if redis.call('HGET', KEYS[1], 'state') ~= 'planning' then return 0 end
redis.call('DEL', KEYS[1])
for _, part in ipairs({'pages', 'rows', 'params', 'pending'}) do redis.call('DEL', KEYS[1] .. ':' .. part) end
redis.call('ZREM', 'sms:campaigns', ARGV[2])
return 1
