-- Have jobs that are to be pulled taken by nobody for a time (ms) from now on. What is not to be pulled any more stays so.
--
-- The jobs' ids follow.
--
-- Returns 1.
local codes, others = unpack(KEYS)
local now, time = unpack(ARGV, 1, 2)
local again = ms(now_ms(now) + num(time))
for id in groups(3, 1) do
  -- If a key is damaged, the next pull sets it aside.
  for _, key in ipairs({codes, others}) do redis.pcall('ZADD', key, 'XX', again, id) end
end
return 1
