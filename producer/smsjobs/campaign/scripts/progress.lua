-- How far a campaign is, at one moment.
--
-- Returns {whether chunks may be sent now, {field, value, …}, {code, recipients, …},
--         1 where its file should be read and whoever reads it has died, else 0}
-- include ledger/jobs, ledger/campaigns
local campaign = unpack(KEYS)
local now, id = unpack(ARGV)
now = now_ms(now)
-- One that was cancelled while its file was read may have nobody else to end it.
if redis.call('HGET', campaign, 'state') == CANCELLED then end_campaign(id, now) end
local f = fields(campaign, 'state', 'planner')
local died = f.state == PLANNING and num(f.planner) <= now
return {campaign_says(id, now), redis.call('HGETALL', campaign), redis.call('HGETALL', campaign .. ':codes'),
  died and 1 or 0}
