-- Create a campaign, or find it.
--
-- shared is what all its chunks share, as JSON.
-- at is its start (ms), or 0; it may be in the past by up to `past` (ms).
-- promotional is 1 or 0.
-- types are the types of the template's variables, as JSON, or "".
-- strict is 1 if a row that does not fit them stops it, else 0.
-- keep is how long (ms) its report is kept.
-- lives is how long (ms) its planner is assumed to be alive.
-- secret is the key of its pages' digests, sealed, or "".
--
-- Returns {"found", its generation, its secret, its types, its strict, shared JSON, start, promotional}, new or not;
--         {"past", now}: it would be new, and its start is past
-- include ledger/jobs, ledger/campaigns
-- replicated
local campaign = unpack(KEYS)
local now, id, planner, name, element, shared, at, promotional, types, strict, keep, lives, past, secret = unpack(ARGV)
now = now_ms(now)

-- How many of the list's oldest are looked at. Far more leave it than come.
local OLDEST = 100

-- A short text that is valid in an id.
local function base36(number)
  local text = ''
  repeat
    local digit = number % 36
    text = string.sub('0123456789abcdefghijklmnopqrstuvwxyz', digit + 1, digit + 1) .. text
    number = (number - digit) / 36
  until number == 0
  return text
end

local f = fields(campaign, 'generation', 'secret', 'types', 'strict', 'job', 'at', 'promotional')
if f.generation then
  if f.job == shared and f.at == at and f.promotional == promotional then
    keep_planning(id, now, planner, num(lives))
  end
  return {'found', f.generation, f.secret, f.types or '', f.strict or '0', f.job, f.at, f.promotional}
end
if num(at) ~= 0 and num(at) < now - num(past) then return {'past', ms(now)} end
local generation = base36(now)
-- What all campaigns share comes first: if it is damaged, nothing is written, and the step can be repeated.
redis.call('ZADD', all_campaigns(), ms(now), id)
-- Of the oldest, those that are not kept any more leave the list here, because nobody may ever ask for it.
for _, each in ipairs(redis.call('ZRANGE', all_campaigns(), 0, OLDEST - 1)) do
  if each ~= id and redis.call('EXISTS', campaign_key(each)) == 0 then redis.call('ZREM', all_campaigns(), each) end
end
redis.call('HSET', campaign, 'state', PLANNING, 'name', name, 'element', element, 'job', shared, 'at', at,
  'promotional', promotional, 'keep', keep, 'created', ms(now), 'generation', generation, 'secret', secret,
  'paused', '', 'pages', 0, 'chunks', 0, 'total', 0, ACCEPTED, 0, REJECTED, 0, NOT_SENT, 0, UNKNOWN, 0,
  'invalid', 0, 'duplicates', 0, 'halved', 0)
if types ~= '' then redis.call('HSET', campaign, 'types', types, 'strict', strict) end
keep_planning(id, now, planner, num(lives))
return {'found', generation, secret, types, strict, shared, at, promotional}
