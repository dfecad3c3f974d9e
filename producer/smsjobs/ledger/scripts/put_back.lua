-- Pause a campaign for a reason that would stop all its chunks, and make the claimed chunk pending again.
-- Aliyun refused the chunk, so nothing of it was sent.
--
-- attempts are the requests made under this claim; tries are these and the look-ups, as text.
--
-- Returns {"ok"}, also if this call is repeated; {"fenced"}: the token no longer holds the job;
--         {"settle"}: the campaign is not running any more, or is damaged. So the refusal is the chunk's outcome.
-- include ledger/jobs, ledger/campaigns, ledger/damage
-- replicated
local job = unpack(KEYS)
local id, token, attempts, reason, tries = unpack(ARGV)
local f = fields(job, 'state', 'token', 'released', 'campaign', 'chunk')
if f.released == token then return {'ok'} end
if f.token ~= token or SETTLED[f.state] then return {'fenced'} end
local campaign = campaign_key(f.campaign)
if campaign_damage(f.campaign) then return {'settle'} end
local c = fields(campaign, 'state', 'paused')
if c.state ~= RUNNING then return {'settle'} end
if not c.paused or c.paused == '' then
  redis.call('HSET', campaign, 'paused', reason)
  tell_campaign(f.campaign)
end
redis.call('HINCRBY', job, 'attempts', num(attempts))
redis.call('HSET', job, 'released', token)
note_tries(job, tries)
park_chunk(id, f.campaign, f.chunk)
return {'ok'}
