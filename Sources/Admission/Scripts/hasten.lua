-- hasten: the policy changed, so every room is to be looked at again. A page of a lane's index at a time.
-- KEYS  1  prefix
-- ARGV  1  lane             2  rooms of the index to leave out, from the earliest on   3  most rooms of a page
-- RETURNS  rooms of the page

local index = P .. 'due:' .. ARGV[1]
local users = redis.call('ZRANGE', index, ARGV[2], ARGV[2] + ARGV[3] - 1)
for _, u in ipairs(users) do
  redis.call('HSET', room_key(ARGV[1], u), 'gate', 0, 'stamp', '')
  -- One that is due keeps its turn, and with it the pages their order.
  if tonumber(redis.call('ZSCORE', index, u)) > now then
    redis.call('ZADD', index, now, u)
  end
end
return #users
