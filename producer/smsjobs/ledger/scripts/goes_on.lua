-- Whether a claimed chunk may still be sent. Its campaign may have been paused after the claim.
--
-- Returns 1 or 0.
-- include ledger/jobs, ledger/campaigns
local job = unpack(KEYS)
local now = unpack(ARGV)
local campaign = redis.call('HGET', job, 'campaign')
return (not campaign or campaign_says(campaign, now_ms(now)) == 'go') and 1 or 0
