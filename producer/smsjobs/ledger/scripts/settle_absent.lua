-- Record an outcome for an id that has no entry, such as a message that no version of us wrote.
--
-- KEYS  1 sms:job:<id>
-- ARGV  1 state   2 outcome JSON   3 ms for which it is kept
-- Returns 1, or 0 where there is an entry already.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[1], 'outcome', ARGV[2], 'token', '')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
