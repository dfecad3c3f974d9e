-- Mark the plan as complete, with the given number of pages, and let the chunks be sent.
--
-- blank is how many blank rows were read. They are in no page.
--
-- Returns {"ok"}, also if this call is repeated; {"shorter"}: more pages were planned;  {"missing"}: it was discarded
-- include ledger/jobs, ledger/campaigns
-- replicated
local campaign = unpack(KEYS)
local now, id, generation, pages, blank = unpack(ARGV)
local f = fields(campaign, 'state', 'pages', 'planned', 'generation')
if f.generation ~= generation then return {'missing'} end
if f.pages ~= pages then return {'shorter'} end
-- No write if nothing changes, so that a campaign is found even in a full Redis.
if f.planned then return {'ok'} end
-- What all campaigns share comes first: if it is damaged, nothing is written, and the step can be repeated.
if f.state == PLANNING then
  redis.call('SADD', open_campaigns(), id)
  redis.call('HSET', campaign, 'state', RUNNING)
  tell_campaign(id)
end
redis.call('HSET', campaign, 'planned', 1, 'blank', blank)
end_campaign(id, now_ms(now))
return {'ok'}
