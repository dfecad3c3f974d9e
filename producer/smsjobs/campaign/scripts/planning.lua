-- Say that the campaign's file is still being read.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 its generation   4 the planner   5 ms for which that is believed to live
-- Returns 1, or 0 where there is nothing to be read any more.
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[3] then return 0 end
return keep_planning(ARGV[2], now_ms(ARGV[1]), ARGV[4], num(ARGV[5])) and 1 or 0
