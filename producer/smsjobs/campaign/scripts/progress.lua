-- How far a campaign is, at one moment.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id
-- Returns {whether chunks may be sent now, {field, value, …}, {code, recipients, …}, chunks under way}
return {campaign_says(ARGV[2], now_ms(ARGV[1])), redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[1] .. ':codes'),
  redis.call('SCARD', KEYS[1] .. ':active')}
