-- Which of some numbers are on the list.
--
-- letters are those of the scopes.
-- digests are the numbers' digests, one behind the other; width is how many characters one has.
--
-- Returns the places, from 0, of the numbers that are there: for each scope in rising order.
local list = unpack(KEYS)
local letters, width, digests = unpack(ARGV)
width = num(width)

-- Lua unpacks some thousand values at once, and no more.
local MOST = 1000
local places = {}
for letter in string.gmatch(letters, '.') do
  for first = 0, #digests / width - 1, MOST do
    local names = {}
    for at = first * width + 1, math.min(first + MOST, #digests / width) * width, width do
      names[#names + 1] = letter .. string.sub(digests, at, at + width - 1)
    end
    for index, found in ipairs(redis.call('HMGET', list, unpack(names))) do
      if found then places[#places + 1] = first + index - 1 end
    end
  end
end
return places
