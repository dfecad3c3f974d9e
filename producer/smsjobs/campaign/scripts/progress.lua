-- How far a campaign is, at one moment.
--
-- Returns {"go", "hold" or "cancelled", {field, value, …}, {code, recipients, …}, {carrier's code, recipients, …},
--         1 if its plan is not complete and no planner is alive, else 0; 1 if nobody's receipt is awaited any more, else 0}
-- include ledger/jobs, ledger/campaigns, ledger/damage
local campaign = unpack(KEYS)
local now, id = unpack(ARGV)
now = now_ms(now)
-- If it was cancelled during the planning, nobody else may be there to end it.
if redis.call('HGET', campaign, 'state') == CANCELLED and not campaign_damage(id) then end_campaign(id, now) end
local f = fields(campaign, 'state', 'planner', 'waits_until')
local died = f.state == PLANNING and num(f.planner) <= now
return {campaign_says(id, now), redis.call('HGETALL', campaign), redis.call('HGETALL', campaign .. ':codes'),
  redis.call('HGETALL', campaign .. ':err_codes'), died and 1 or 0,
  is_count(f.waits_until) and num(f.waits_until) <= now and 1 or 0}
