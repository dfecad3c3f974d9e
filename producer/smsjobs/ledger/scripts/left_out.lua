-- Which recipients the request of a chunk has left out.
--
-- Returns their places among the chunk's recipients, or "".
-- include ledger/jobs, ledger/campaigns
local job = unpack(KEYS)
local f = fields(job, 'campaign', 'chunk')
if not f.campaign then return '' end
return redis.call('HGET', campaign_key(f.campaign) .. ':left_out', (split_chunk(f.chunk))) or ''
