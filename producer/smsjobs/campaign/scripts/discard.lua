-- Forget a campaign whose plan is not complete. Nothing of it was sent. One that is cancelled ends with what was read.
-- Neither is done to the plan of another planner that lives: its file may be a better one.
--
-- pages: only if it has that many, or "".
--
-- Returns {"forgotten"}, also when it is repeated; {"kept"}: it is cancelled, or complete, or has other pages;
--         {"others"}: it is another planner's plan
-- include ledger/jobs, ledger/campaigns
local campaign = unpack(KEYS)
local now, id, generation, planner, pages = unpack(ARGV)
now = now_ms(now)
local f = fields(campaign, 'state', 'generation', 'pages', 'owner', 'owner_lives')
if not f.state or f.generation ~= generation then return {'forgotten'} end
local others = f.owner ~= planner and num(f.owner_lives) > now
if f.state == CANCELLED and not others then
  redis.call('HSET', campaign, 'planner', 0)
  end_campaign(id, now)
end
if f.state ~= PLANNING or (pages ~= '' and f.pages ~= pages) then return {'kept'} end
if others then return {'others'} end
redis.call('DEL', campaign)
for _, part in ipairs({'pages', 'rows', 'params', 'pending'}) do redis.call('DEL', campaign .. ':' .. part) end
redis.call('ZREM', all_campaigns(), id)
return {'forgotten'}
