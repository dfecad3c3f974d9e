-- Note before a request which recipients of a claimed chunk it leaves out, because their numbers are suppressed.
--
-- positions are their places among the chunk's recipients, from 0; "" for none.
--
-- Returns {"ok"}, also if this call is repeated; {"fenced"}: the token no longer holds the job.
-- include ledger/jobs, ledger/campaigns
-- replicated
local job = unpack(KEYS)
local token, positions = unpack(ARGV)
local f = fields(job, 'state', 'token', 'campaign', 'chunk')
if f.token ~= token or f.state ~= SENDING then return {'fenced'} end
local name = split_chunk(f.chunk)
local left_out = campaign_key(f.campaign) .. ':left_out'
if positions == '' then
  redis.call('HDEL', left_out, name)
else
  redis.call('HSET', left_out, name, positions)
end
return {'ok'}
