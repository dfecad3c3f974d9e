-- Take jobs whose deliveries are to be pulled now, codes first. Nobody else takes them for the time of the lease.
--
-- most is how many; lease is in ms.
--
-- Returns a flat list of sevens: id, element, lane, sealed numbers, pulls made before, created, accepted.
-- include ledger/jobs, ledger/pulls
local codes, others = unpack(KEYS)
local now, most, lease = unpack(ARGV)
now = now_ms(now)
local found = {}
for _, key in ipairs({codes, others}) do
  local left = num(most) - #found / 7
  for _, id in ipairs(left > 0 and redis.call('ZRANGEBYSCORE', key, '-inf', ms(now), 'LIMIT', 0, left) or {}) do
    local f = fields(job_key(id), 'element', 'lane', 'numbers', 'pulls', 'created', 'accepted_at')
    if f.numbers then
      redis.call('ZADD', key, ms(now + num(lease)), id)
      for _, each in ipairs({id, f.element or '', f.lane or '', f.numbers, f.pulls or '0', f.created or '0', f.accepted_at or '0'}) do
        found[#found + 1] = each
      end
    else
      redis.call('ZREM', key, id)
    end
  end
end
return found
