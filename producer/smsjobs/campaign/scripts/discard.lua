-- Forget a campaign whose plan is not complete. Nothing of it was sent. One that is cancelled ends with what was read.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 only if it has that many pages, or ""
-- Returns 1, or 0 where it is another one's by now.
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'cancelled' then
  redis.call('HSET', KEYS[1], 'planner', 0)
  end_campaign(ARGV[2], now_ms(ARGV[1]))
end
if state ~= 'planning' then return 0 end
if ARGV[3] ~= '' and redis.call('HGET', KEYS[1], 'pages') ~= ARGV[3] then return 0 end
redis.call('DEL', KEYS[1])
for _, part in ipairs({'pages', 'rows', 'params', 'pending'}) do redis.call('DEL', KEYS[1] .. ':' .. part) end
redis.call('ZREM', 'sms:campaigns', ARGV[2])
return 1
