-- A page of a plan, with what became of its chunks by now. It only reads: a Redis that is full gives reports all the same,
-- which it would not in a transaction.
--
-- KEYS  1 sms:campaign:<id>
-- ARGV  1 now (unused)   2 id   3 page number
-- Returns {generation, page as it was planned, {recipients, packed, …}, {outcome JSON or nil, …}, chunks under way};
--         {generation} behind the last page; {} where there is no such campaign
local key = KEYS[1]
local generation = redis.call('HGET', key, 'generation')
if not generation then return {} end
local page = redis.call('HGET', key .. ':pages', ARGV[3])
if not page then return {generation} end
local first, count = string.match(page, '^%S+ (%d+) (%d+) ')
local rows, outcomes = {}, {}
for i = 0, tonumber(count) - 1 do
  local n = string.format('%d', tonumber(first) + i)
  rows[#rows + 1] = redis.call('HGET', key .. ':rows', n)
  outcomes[#outcomes + 1] = redis.call('HGET', key .. ':outcomes', n)
end
return {generation, page, rows, outcomes, redis.call('SMEMBERS', key .. ':active')}
