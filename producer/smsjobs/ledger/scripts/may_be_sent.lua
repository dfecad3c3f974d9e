-- Whether a claimed chunk may still be sent. Its campaign may have been paused after the claim.
--
-- Returns 1 or 0.
-- include ledger/jobs, ledger/campaigns, ledger/damage
local job = unpack(KEYS)
local now = unpack(ARGV)
local campaign = redis.call('HGET', job, 'campaign')
if not campaign then return 1 end
return not campaign_damage(campaign) and campaign_says(campaign, now_ms(now)) == 'go' and 1 or 0
