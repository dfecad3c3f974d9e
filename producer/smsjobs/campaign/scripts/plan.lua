-- Write a page of a plan, once. Nothing of it is sent before the plan is complete.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 its generation   4 the planner   5 page number   6 digest   7 first chunk
--       8 skipped rows and sums, packed   9 recipients   10 invalid rows   11 duplicates
--       12 ms for which the planner is believed to live
--       13 … in threes, for each chunk: recipients, lines and phones packed, parameters packed or ""
-- Returns {"written"}; {"same"}: it is there; {"differs"}: another one is there; {"longer"}: the plan is complete
--         without it; {"missing"}: the campaign was discarded meanwhile; {"ended"}: it was cancelled, and has ended
--         without it
local key, page, chunks = KEYS[1], ARGV[5], (#ARGV - 12) / 3
local now = now_ms(ARGV[1])
local f = redis.call('HMGET', key, 'state', 'pages', 'planned', 'ended', 'generation')
if f[5] ~= ARGV[3] then return {'missing'} end
keep_planning(ARGV[2], now, ARGV[4], num(ARGV[12]))
local there = redis.call('HGET', key .. ':pages', page)
if there then
  if string.sub(there, 1, #ARGV[6]) == ARGV[6] then return {'same'} end
  return {'differs'}
end
if f[3] then return {'longer'} end
if f[4] then return {'ended'} end
if f[2] ~= page then return {'missing'} end
redis.call('HSET', key .. ':pages', page, table.concat({ARGV[6], ARGV[7], string.format('%d', chunks), ARGV[8]}, ' '))
for i = 0, chunks - 1 do
  local n = string.format('%d', num(ARGV[7]) + i)
  redis.call('HSET', key .. ':rows', n, ARGV[14 + i * 3])
  if f[1] == 'planning' then
    if ARGV[15 + i * 3] ~= '' then redis.call('HSET', key .. ':params', n, ARGV[15 + i * 3]) end
    redis.call('RPUSH', key .. ':pending', n .. ':' .. ARGV[13 + i * 3])
  end
end
redis.call('HINCRBY', key, 'pages', 1)
redis.call('HINCRBY', key, 'chunks', chunks)
redis.call('HINCRBY', key, 'total', ARGV[9])
redis.call('HINCRBY', key, 'invalid', ARGV[10])
redis.call('HINCRBY', key, 'duplicates', ARGV[11])
if f[1] == 'cancelled' then
  -- The rest of the input is read all the same, so that the report has every row.
  redis.call('HINCRBY', key, 'not_sent', ARGV[9])
  if num(ARGV[9]) > 0 then redis.call('HINCRBY', key .. ':codes', 'cancelled', ARGV[9]) end
end
return {'written'}
