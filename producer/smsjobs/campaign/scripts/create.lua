-- Begin a campaign, or find it.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (0: Redis's clock)   2 id   3 the planner   4 name   5 element   6 what all chunks share, JSON
--       7 start (ms), or 0   8 1 for promotional   9 ms for which its report is kept
--       10 ms for which its planner is believed to live   11 ms by which its start may be past
--       12 the key of its pages' digests, sealed, or ""
-- Returns {"found", its generation, its secret, shared JSON, start, promotional}, new or not;
--         {"past", now}: it would begin, and its start is past

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

local f = redis.call('HMGET', KEYS[1], 'generation', 'secret', 'job', 'at', 'promotional')
local now = now_ms(ARGV[1])
if f[1] then
  if f[3] == ARGV[6] and f[4] == ARGV[7] and f[5] == ARGV[8] then
    keep_planning(ARGV[2], now, ARGV[3], num(ARGV[10]))
  end
  return {'found', f[1], f[2], f[3], f[4], f[5]}
end
if num(ARGV[7]) ~= 0 and num(ARGV[7]) < now - num(ARGV[11]) then return {'past', ms(now)} end
local generation = base36(now)
redis.call('HSET', KEYS[1], 'state', 'planning', 'name', ARGV[4], 'element', ARGV[5], 'job', ARGV[6], 'at', ARGV[7],
  'promotional', ARGV[8], 'keep', ARGV[9], 'created', ms(now), 'generation', generation, 'secret', ARGV[12],
  'paused', '', 'pages', 0, 'chunks', 0, 'total', 0, 'accepted', 0, 'rejected', 0, 'not_sent', 0, 'unknown', 0,
  'invalid', 0, 'duplicates', 0)
redis.call('ZADD', 'sms:campaigns', ms(now), ARGV[2])
keep_planning(ARGV[2], now, ARGV[3], num(ARGV[10]))
return {'found', generation, ARGV[12], ARGV[6], ARGV[7], ARGV[8]}
