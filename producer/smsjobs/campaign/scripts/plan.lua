-- Write a page of a plan, once. Nothing of it is sent before the plan is complete.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 page number   4 digest   5 first chunk   6 skipped rows and sums, packed
--       7 recipients   8 invalid rows   9 duplicates   10 ms for which its planner is believed to live
--       11 … in threes, for each chunk: recipients, lines and phones packed, parameters packed or ""
-- Returns {"written"}; {"same"}: it is there; {"differs", what is there instead}; {"longer"}: the plan is complete
--         without it; {"missing"}: the campaign was discarded meanwhile; {"ended"}: it was cancelled, and has ended
--         without it
local key, page, chunks = KEYS[1], ARGV[3], (#ARGV - 10) / 3
local now = now_ms(ARGV[1])
local f = redis.call('HMGET', key, 'state', 'pages', 'planned', 'ended')
if not f[1] then return {'missing'} end
keep_planning(ARGV[2], now, num(ARGV[10]))
local there = redis.call('HGET', key .. ':pages', page)
if there then
  if string.sub(there, 1, #ARGV[4]) == ARGV[4] then return {'same'} end
  return {'differs', there}
end
if f[3] then return {'longer'} end
if f[4] then return {'ended'} end
if f[2] ~= page then return {'missing'} end
redis.call('HSET', key .. ':pages', page, table.concat({ARGV[4], ARGV[5], string.format('%d', chunks), ARGV[6]}, ' '))
for i = 0, chunks - 1 do
  local n = string.format('%d', num(ARGV[5]) + i)
  redis.call('HSET', key .. ':rows', n, ARGV[12 + i * 3])
  if f[1] == 'planning' then
    if ARGV[13 + i * 3] ~= '' then redis.call('HSET', key .. ':params', n, ARGV[13 + i * 3]) end
    redis.call('RPUSH', key .. ':pending', n .. ':' .. ARGV[11 + i * 3])
  end
end
redis.call('HINCRBY', key, 'pages', 1)
redis.call('HINCRBY', key, 'chunks', chunks)
redis.call('HINCRBY', key, 'total', ARGV[7])
redis.call('HINCRBY', key, 'invalid', ARGV[8])
redis.call('HINCRBY', key, 'duplicates', ARGV[9])
if f[1] == 'cancelled' then
  -- The rest of the input is read all the same, so that the report has every row.
  redis.call('HINCRBY', key, 'not_sent', ARGV[7])
  if num(ARGV[7]) > 0 then redis.call('HINCRBY', key .. ':codes', 'cancelled', ARGV[7]) end
end
return {'written'}
