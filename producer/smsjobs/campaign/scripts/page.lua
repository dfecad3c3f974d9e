-- A page of a plan, with the outcomes of its chunks so far. This script only reads, so a full Redis still gives reports.
-- It would refuse them in a transaction.
--
-- Returns {generation, page as it was planned, {recipients, packed, …}, {outcome or nil, …}, active chunks};
--         {generation} after the last page; {} if the campaign does not exist
-- replicated
local campaign = unpack(KEYS)
local number = unpack(ARGV)
local generation = redis.call('HGET', campaign, 'generation')
if not generation then return {} end
local page = redis.call('HGET', campaign .. ':pages', number)
if not page then return {generation} end
local first, count = string.match(page, '^%S+ (%d+) (%d+) ')
local rows, outcomes = {}, {}
for i = 0, tonumber(count) - 1 do
  local chunk = string.format('%d', tonumber(first) + i)
  rows[#rows + 1] = redis.call('HGET', campaign .. ':rows', chunk)
  outcomes[#outcomes + 1] = redis.call('HGET', campaign .. ':outcomes', chunk)
end
return {generation, page, rows, outcomes, redis.call('SMEMBERS', campaign .. ':active')}
