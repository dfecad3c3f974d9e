-- Whether a claimed chunk may still be sent: its campaign may have been paused since it was claimed.
--
-- KEYS  1 sms:job:<id>
-- ARGV  1 now (0: Redis's clock)
-- Returns 1 or 0.
local id = redis.call('HGET', KEYS[1], 'campaign')
return (not id or campaign_says(id, now_ms(ARGV[1])) == 'go') and 1 or 0
