-- Have the outcome of a job stored under one more Celery task id.
--
-- KEYS  1 sms:job:<id>
-- ARGV  1 the follower's task id
-- Returns the outcome JSON where the job is settled already, else "".
local f = redis.call('HMGET', KEYS[1], 'outcome', 'followers', 'state')
if f[1] then return f[1] end
-- A job that is forgotten has nothing to follow, and an entry without a job would stay for ever.
if not f[3] then return '' end
local followers = f[2] or ''
if not string.find(' ' .. followers .. ' ', ' ' .. ARGV[1] .. ' ', 1, true) then
  redis.call('HSET', KEYS[1], 'followers', followers == '' and ARGV[1] or followers .. ' ' .. ARGV[1])
end
return ''
