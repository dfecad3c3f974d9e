-- What is damaged is set aside: named, kept as it is, and taken off the path of what works. An operator puts it back or
-- drops it.
--   sms:{tag}:aside              hash  item -> "<time (ms)> <what is wrong>"
--   sms:{tag}:aside:what         hash  item -> what it was, if it was taken out of a list or a set
--   sms:{tag}:aside:key:<name>         a key of a wrong type, under the name that it had
--
-- Items:
--   job:<id>                     its entry stays where it is, off the agenda
--   held:<digest>                what is under an idempotency key; it stays, so that nothing is sent twice under the key
--   campaign:<id>                its keys stay where they are; it is paused, or not open any more
--   chunk:<campaign>:<digest>    what was taken out of the campaign's pending chunks
--   count:<id of a chunk's job>  an outcome that its campaign could not count
--   agenda:<digest>              what was taken off the agenda
--   delivery:<id>                its entry stays where it is, and its deliveries are not pulled any more
--   delivery:<digest>            what was taken off the deliveries to pull
--   key:<name>                   a key
--   outbox:<name>:<digest>       what was taken out of an outbox

-- So that damage cannot fill Redis. What finds no place here stays where it is.
local MOST_ASIDE = 10000

-- Milliseconds after which what finds no place is looked at again.
local ASIDE_FULL = 600000

local function aside_key(part) return ELEMENT .. ':aside' .. (part and ':' .. part or '') end

-- Raises an error before anything is done, if these keys themselves are of a wrong type.
local function need_aside()
  redis.call('HLEN', aside_key())
  redis.call('HLEN', aside_key('what'))
end

-- Item and problem of each that this script has set aside for the first time, one after the other.
local newly_aside = {}

-- Set an item aside. The caller takes it away from where it was, unless there is no place: then this returns false.
local function set_aside(now, item, problem, what)
  if redis.call('HEXISTS', aside_key(), item) == 1 then return true end
  if redis.call('HLEN', aside_key()) >= MOST_ASIDE then return false end
  if what then redis.call('HSET', aside_key('what'), item, what) end
  redis.call('HSET', aside_key(), item, ms(now) .. ' ' .. problem)
  newly_aside[#newly_aside + 1] = item
  newly_aside[#newly_aside + 1] = problem
  return true
end

-- The name of what may hold anything, even a phone number.
local function digest_of(what) return string.sub(redis.sha1hex(what), 1, 16) end

-- Runs the step. Returns its results if nothing was damaged, else nil and the problem. An error that is no damage, such
-- as that of a full Redis, is raised: it would meet what is whole too.
local function undamaged(step, ...)
  local ok, result, problem = pcall(step, ...)
  if ok then return result, problem end
  local text = tostring(type(result) == 'table' and result.err or result)
  if not string.find(text, 'WRONGTYPE', 1, true) then error(result, 0) end
  return nil, 'a key of a wrong type'
end

-- As `is_job_id` of Python's contract.
local function is_id(text) return #text <= 64 and string.find(text, '^[%w_-]+$') ~= nil end
