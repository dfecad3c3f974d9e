-- The plan is complete: let the chunks be sent.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 its generation   4 the planner (unused)   5 pages of the plan
-- Returns {"ok"}, also when it is repeated; {"shorter"}: more pages were planned;  {"missing"}: it was discarded
local f = redis.call('HMGET', KEYS[1], 'state', 'pages', 'planned', 'generation')
if f[4] ~= ARGV[3] then return {'missing'} end
if f[2] ~= ARGV[5] then return {'shorter'} end
-- No write where nothing changes: a Redis that is full finds a campaign all the same.
if f[3] then return {'ok'} end
redis.call('HSET', KEYS[1], 'planned', 1)
if f[1] == 'planning' then
  redis.call('HSET', KEYS[1], 'state', 'running')
  redis.call('SADD', 'sms:campaigns:open', ARGV[2])
end
end_campaign(ARGV[2], now_ms(ARGV[1]))
return {'ok'}
