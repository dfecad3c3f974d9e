-- Begin a campaign, or find it.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 name   4 element   5 what all chunks share, JSON   6 start (ms), or 0
--       7 1 for promotional   8 ms for which its report is kept   9 ms for which its planner is believed to live
--       10 ms by which its start may be past
-- Returns {"new"}; {"exists", shared JSON, start, promotional}; {"past", now}: it would begin, and its start is past

-- Short, and legal in an id.
local function base36(number)
  local text = ''
  repeat
    local digit = number % 36
    text = string.sub('0123456789abcdefghijklmnopqrstuvwxyz', digit + 1, digit + 1) .. text
    number = (number - digit) / 36
  until number == 0
  return text
end

local f = redis.call('HMGET', KEYS[1], 'job', 'at', 'promotional')
local now = now_ms(ARGV[1])
if f[1] then
  if f[1] == ARGV[5] and f[2] == ARGV[6] and f[3] == ARGV[7] then keep_planning(ARGV[2], now, num(ARGV[9])) end
  return {'exists', f[1], f[2], f[3]}
end
if num(ARGV[6]) ~= 0 and num(ARGV[6]) < now - num(ARGV[10]) then return {'past', ms(now)} end
redis.call('HSET', KEYS[1], 'state', 'planning', 'name', ARGV[3], 'element', ARGV[4], 'job', ARGV[5], 'at', ARGV[6],
  'promotional', ARGV[7], 'keep', ARGV[8], 'created', ms(now), 'generation', base36(now), 'paused', '', 'pages', 0, 'chunks', 0, 'total', 0,
  'accepted', 0, 'rejected', 0, 'not_sent', 0, 'unknown', 0, 'invalid', 0, 'duplicates', 0)
redis.call('ZADD', 'sms:campaigns', ms(now), ARGV[2])
keep_planning(ARGV[2], now, num(ARGV[9]))
return {'new'}
