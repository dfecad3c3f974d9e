-- Take jobs whose deliveries are to be pulled now, codes first. Nobody else takes them for the time of the lease.
--
-- most is how many; lease is in ms.
--
-- Returns {a flat list of sevens: id, element, lane, sealed numbers, pulls made before, created, accepted;
--          a flat list of pairs: what was set aside, what is wrong with it}
-- include ledger/jobs, ledger/pulls, ledger/aside
local codes, others = unpack(KEYS)
local now, most, lease = unpack(ARGV)
now = now_ms(now)
local found = {}

-- Milliseconds until the year 2286, so that Python can make a date of them.
local function is_time(text) return is_count(text) and #text <= 13 end

-- Looks at one job. Returns whether it is to be pulled, or nil and what is wrong with it.
local function look_at(id)
  if not is_id(id) then return nil, 'not a valid id' end
  local f = fields(job_key(id), 'element', 'lane', 'numbers', 'pulls', 'created', 'accepted_at')
  if not f.numbers then return false end
  if not (is_count(f.pulls) and is_time(f.created) and is_time(f.accepted_at)) then
    return nil, 'a number of its deliveries is missing or not valid'
  end
  if not (f.element and f.lane) or string.find(f.element .. f.lane, '[^%w_.]') then
    return nil, 'no valid element, or no valid lane'
  end
  if string.find(f.numbers, '[^ -~]') then return nil, 'no valid numbers' end
  for _, each in ipairs({id, f.element, f.lane, f.numbers, f.pulls, f.created, f.accepted_at}) do found[#found + 1] = each end
  return true
end

-- Returns whether it was damaged.
local function take(key, id)
  local taken, problem = undamaged(look_at, id)
  local again = taken and now + num(lease)
  if problem then
    local item, what = 'delivery:' .. id, nil
    if not is_id(id) then
      item, what = 'delivery:' .. digest_of(id), (key == codes and 'codes ' or 'others ') .. id
    end
    again = not set_aside(now, item, problem, what) and now + ASIDE_FULL
  end
  if again then
    redis.call('ZADD', key, ms(again), id)
  else
    redis.call('ZREM', key, id)
  end
  return problem ~= nil
end

-- Raises an error before anything is done, if a key is of a wrong type that all jobs share.
need_aside()
for _, key in ipairs({codes, others}) do redis.call('ZCARD', key) end

for _, key in ipairs({codes, others}) do
  local left = num(most) - #found / 7
  while left > 0 do
    local due = redis.call('ZRANGEBYSCORE', key, '-inf', ms(now), 'LIMIT', 0, left)
    -- What is damaged does not count, so that it holds up nothing.
    left = 0
    for _, id in ipairs(due) do
      if take(key, id) then left = left + 1 end
    end
  end
end
return {found, newly_aside}
