-- One turn of a worker's loop: acknowledge what is done, note what was taken, take what there is room for.
--
-- A message that is taken here is noted as unacknowledged in the same step, so that a kill cannot lose it.
--
-- KEYS  1 the queue   2 unacked   3 unacked_index   (as kombu names and fills them)
-- ARGV  1 now in seconds   2 most messages to take   3 what their tags begin with, as no others do
--       4 how many were taken before and are to be noted now
--       5, 6, … their tags and notes, in pairs; after them the tags that are acknowledged
-- Returns the messages, oldest first, each followed by the tag under which it is noted, or by '' where it is not.
--
-- What frees memory stands first. Where memory is full Redis refuses what needs some, but not to a script that has
-- written already. Hence the removal of a tag that there is not: there may be nothing else to remove.
redis.call('ZREM', KEYS[3], '')
local noted = 4 + 2 * ARGV[4]
for i = noted + 1, #ARGV do
  redis.call('ZREM', KEYS[3], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
for i = 5, noted, 2 do
  redis.call('ZADD', KEYS[3], ARGV[1], ARGV[i])
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end

-- Makes the note kombu would make of a message, `[message, exchange, routing key]`, under that tag. A message's own tag
-- and way are not looked at. Gives '' where this is no message, or none that this reader of JSON knows.
local function note(text, tag)
  local good, message = pcall(cjson.decode, text)
  if not good or type(message) ~= 'table' then return '' end
  redis.call('ZADD', KEYS[3], ARGV[1], tag)
  redis.call('HSET', KEYS[2], tag, '[' .. text .. ',"",' .. cjson.encode(KEYS[1]) .. ']')
  return tag
end

-- In bytes. What is longer is not handed over: a worker refuses far less.
local LONGEST = 4194304

local taken = {}
for i = 1, 2 * ARGV[2], 2 do
  local text = redis.call('RPOP', KEYS[1])
  if not text then break end
  if #text > LONGEST then text = '' end
  taken[i] = text
  taken[i + 1] = note(text, ARGV[3] .. i)
end
return taken
