-- One turn of a worker's loop: acknowledge what is done, note what was taken, take what there is room for.
--
-- A message that is taken here is noted as unacknowledged in the same step, so that a kill cannot lose it.
--
-- queue, unacked, unacked_index: kombu's keys, filled as kombu fills them
-- now: in seconds          most: how many messages may be taken
-- beginning: of the tags of the messages that are taken here; no other tag begins so
-- before: how many messages were taken before and are to be noted now
-- The rest: the tags and notes of those, in pairs; then the tags that are acknowledged.
-- Returns the messages, oldest first, each followed by the tag under which it is noted, or by '' where it is not.
--
-- What frees memory stands first. Where memory is full Redis refuses what needs some, but not to a script that has
-- written already. So a tag that does not exist is removed first, because there may be nothing else to remove.
local queue, unacked, unacked_index = unpack(KEYS)
local now, most, beginning, before = unpack(ARGV, 1, 4)
redis.call('ZREM', unacked_index, '')
local noted = 4 + 2 * before
for i = noted + 1, #ARGV do
  redis.call('ZREM', unacked_index, ARGV[i])
  redis.call('HDEL', unacked, ARGV[i])
end
for i = 5, noted, 2 do
  redis.call('ZADD', unacked_index, now, ARGV[i])
  redis.call('HSET', unacked, ARGV[i], ARGV[i + 1])
end

-- Notes a message under that tag as kombu does: `[message, exchange, routing key]`. The text must be kombu's, and it
-- must be written in the step that takes the message. So this script alone writes JSON. A message's own tag and route are
-- ignored. Returns the tag, or '' if Redis cannot read the text as a message.
local function note(text, tag)
  local good, message = pcall(cjson.decode, text)
  if not good or type(message) ~= 'table' then return '' end
  redis.call('ZADD', unacked_index, now, tag)
  redis.call('HSET', unacked, tag, '[' .. text .. ',"",' .. cjson.encode(queue) .. ']')
  return tag
end

-- In bytes. What is longer is not handed over: a worker refuses far less.
local LONGEST = 4194304

local taken = {}
for i = 1, 2 * most, 2 do
  local text = redis.call('RPOP', queue)
  if not text then break end
  if #text > LONGEST then text = '' end
  taken[i] = text
  taken[i + 1] = note(text, beginning .. i)
end
return taken
