-- Write a page of a plan, once. Nothing of it is sent before the plan is complete.
--
-- first is the number of its first chunk.
-- skipped are its skipped rows and prints, packed.
-- countries is how many of its recipients are in each country, as in "86 990 852 10".
-- lives is how long (ms) the planner is assumed to be alive.
-- Then three values follow for each chunk: the number of recipients; lines and phones, packed; parameters, packed, or "".
--
-- Returns {"written"}; {"same"}: it is already there; {"differs"}: another page is there;
--         {"longer"}: the plan is complete without it; {"missing"}: the campaign was discarded;
--         {"ended"}: the campaign was cancelled and has ended without it
--         {"damaged", what is wrong}: nothing was changed
-- include ledger/jobs, ledger/campaigns, ledger/damage
-- replicated
local campaign = unpack(KEYS)
local now, id, generation, planner, number, digest, first, skipped, total, invalid, duplicates, countries,
  lives = unpack(ARGV, 1, 13)
now = now_ms(now)
local f = fields(campaign, 'state', 'pages', 'planned', 'ended', 'generation')
if f.generation ~= generation then return {'missing'} end
local damage = campaign_damage(id)
if damage then return {'damaged', damage} end
keep_planning(id, now, planner, num(lives))
local there = redis.call('HGET', campaign .. ':pages', number)
if there then return {string.sub(there, 1, #digest) == digest and 'same' or 'differs'} end
if f.planned then return {'longer'} end
if f.ended then return {'ended'} end
if f.pages ~= number then return {'missing'} end

local chunks = 0
for size, rows, params in groups(14, 3) do
  local chunk = string.format('%d', num(first) + chunks)
  redis.call('HSET', campaign .. ':rows', chunk, rows)
  if f.state == PLANNING then
    if params ~= '' then redis.call('HSET', campaign .. ':params', chunk, params) end
    redis.call('RPUSH', campaign .. ':pending', chunk .. ':' .. size)
  end
  chunks = chunks + 1
end
redis.call('HSET', campaign .. ':pages', number, table.concat({digest, first, string.format('%d', chunks), skipped}, ' '))
redis.call('HINCRBY', campaign, 'pages', 1)
redis.call('HINCRBY', campaign, 'chunks', chunks)
redis.call('HINCRBY', campaign, 'total', total)
redis.call('HINCRBY', campaign, 'invalid', invalid)
redis.call('HINCRBY', campaign, 'duplicates', duplicates)
for country, count in string.gmatch(countries, '(%d+) (%d+)') do
  redis.call('HINCRBY', campaign, 'country:' .. country, count)
end
-- The rest of the input is still read, so that the report has every row.
if f.state == CANCELLED then count_cancelled(id, num(total)) end
return {'written'}
