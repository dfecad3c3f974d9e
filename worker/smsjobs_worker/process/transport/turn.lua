-- One turn of a worker's loop: acknowledge what is done, note what was taken, take what there is room for.
--
-- A message that is taken here is noted as unacknowledged in the same step, so that a kill cannot lose it.
--
-- KEYS  1 the queue   2 unacked   3 unacked_index   (as kombu names and fills them)
-- ARGV  1 now in seconds   2 most messages to take   3 how many were taken before and are to be noted now
--       4, 5, … their tags and notes, in pairs; after them the tags that are acknowledged
-- Returns the messages, oldest first, each followed by the tag under which it is noted, or by '' where it is not.
--
-- What frees memory stands first. Where memory is full Redis refuses what needs some, but not to a script that has
-- written already. Hence the removal of a tag that there is not: there may be nothing else to remove.
redis.call('ZREM', KEYS[3], '')
local noted = 3 + 2 * ARGV[3]
for i = noted + 1, #ARGV do
  redis.call('ZREM', KEYS[3], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
for i = 4, noted, 2 do
  redis.call('ZADD', KEYS[3], ARGV[1], ARGV[i])
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end

-- Makes the note kombu would make of a message, `[message, exchange, routing key]`, and gives its tag.
-- None of what is no message, or none that this reader of JSON knows.
local function note(text)
  local good, message = pcall(cjson.decode, text)
  if not good or type(message) ~= 'table' or type(message.properties) ~= 'table' then return '' end
  local tag, from = message.properties.delivery_tag, message.properties.delivery_info
  if type(tag) ~= 'string' or type(from) ~= 'table' then return '' end
  if type(from.exchange) ~= 'string' or type(from.routing_key) ~= 'string' then return '' end
  redis.call('ZADD', KEYS[3], ARGV[1], tag)
  redis.call('HSET', KEYS[2], tag,
    '[' .. text .. ',' .. cjson.encode(from.exchange) .. ',' .. cjson.encode(from.routing_key) .. ']')
  return tag
end

local taken = {}
for i = 1, 2 * ARGV[2], 2 do
  local text = redis.call('RPOP', KEYS[1])
  if not text then break end
  taken[i] = text
  taken[i + 1] = note(text)
end
return taken
