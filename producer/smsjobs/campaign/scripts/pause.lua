-- Pause a campaign for the given reason, or resume it if the reason is "".
--
-- Returns {"ok"}; {"ended"}: it is cancelled or finished; {"missing"}
-- include ledger/jobs, ledger/campaigns
-- replicated
local campaign = unpack(KEYS)
local id, reason = unpack(ARGV)
local f = fields(campaign, 'state', 'paused')
if not f.state then return {'missing'} end
if f.state == CANCELLED or f.state == FINISHED then return {'ended'} end
-- A campaign that paused itself keeps its reason.
if reason == '' or f.paused == '' then
  redis.call('HSET', campaign, 'paused', reason)
  if f.paused ~= reason then tell_campaign(id) end
end
return {'ok'}
