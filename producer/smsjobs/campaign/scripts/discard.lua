-- Forget a campaign whose plan is not complete. Nothing of it was sent. One that is cancelled ends with what was read.
-- Neither is done to the plan of another planner that lives: its file may be a better one.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 its generation   4 the planner   5 only if it has that many pages, or ""
-- Returns {"forgotten"}, also when it is repeated; {"kept"}: it is cancelled, or complete, or has other pages;
--         {"others"}: another planner is at it
local f = redis.call('HMGET', KEYS[1], 'state', 'generation', 'pages', 'owner', 'owner_lives')
if not f[1] or f[2] ~= ARGV[3] then return {'forgotten'} end
local now = now_ms(ARGV[1])
local others = f[4] ~= ARGV[4] and num(f[5]) > now
if f[1] == 'cancelled' and not others then
  redis.call('HSET', KEYS[1], 'planner', 0)
  end_campaign(ARGV[2], now)
end
if f[1] ~= 'planning' or (ARGV[5] ~= '' and f[3] ~= ARGV[5]) then return {'kept'} end
if others then return {'others'} end
redis.call('DEL', KEYS[1])
for _, part in ipairs({'pages', 'rows', 'params', 'pending'}) do redis.call('DEL', KEYS[1] .. ':' .. part) end
redis.call('ZREM', 'sms:campaigns', ARGV[2])
return {'forgotten'}
