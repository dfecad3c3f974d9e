-- Events: what happened, written in the same step as the fact. Their fields are described in events/entries.py.
--   sms:{tag}:events  stream  exists only where somebody has subscribed, so nothing is written for nobody

local function is_followed() return redis.call('EXISTS', ELEMENT .. ':events') == 1 end

-- A stream that is damaged, or for which there is no memory, must not stop the fact. So its error is not raised.
local function tell_event(type, ...)
  redis.pcall('XADD', ELEMENT .. ':events', 'NOMKSTREAM', 'MAXLEN', '~', MOST_EVENTS, '*', 'type', type, ...)
end
