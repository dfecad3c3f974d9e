-- Say that the campaign's file is still being read.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 ms for which its planner is believed to live
-- Returns 1, or 0 where there is nothing to be read any more.
return keep_planning(ARGV[2], now_ms(ARGV[1]), num(ARGV[3])) and 1 or 0
