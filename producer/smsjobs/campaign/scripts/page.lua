-- A page of a plan, with the outcomes of its chunks so far. A chunk that was halved has those of its halves. This script
-- only reads, so a full Redis still gives reports. It would refuse them in a transaction.
--
-- Returns {generation, page as it was planned, {recipients, packed, …}, {chunk's name, outcome or nil, …}, active chunks};
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

local function add_outcome(name)
  local outcome = redis.call('HGET', campaign .. ':outcomes', name)
  if outcome == 'halved' then
    add_outcome(name .. 'a')
    add_outcome(name .. 'b')
    return
  end
  outcomes[#outcomes + 1] = name
  outcomes[#outcomes + 1] = outcome
end

for i = 0, tonumber(count) - 1 do
  local chunk = string.format('%d', tonumber(first) + i)
  rows[#rows + 1] = redis.call('HGET', campaign .. ':rows', chunk)
  add_outcome(chunk)
end
return {generation, page, rows, outcomes, redis.call('SMEMBERS', campaign .. ':active')}
