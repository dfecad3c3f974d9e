-- How far a campaign is, at one moment.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id
-- Returns {whether chunks may be sent now, {field, value, …}, {code, recipients, …},
--         1 where its file should be read and whoever reads it has died, else 0}
local now = now_ms(ARGV[1])
-- One that was cancelled while its file was read may have nobody else to end it.
if redis.call('HGET', KEYS[1], 'state') == 'cancelled' then end_campaign(ARGV[2], now) end
local f = redis.call('HMGET', KEYS[1], 'state', 'planner')
local died = f[1] == 'planning' and num(f[2]) <= now
return {campaign_says(ARGV[2], now), redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[1] .. ':codes'),
  died and 1 or 0}
