-- refuse_bay: a bay that was just leased turned out to hold messages of somebody. It goes back unleased; it is free again
-- when it was drained.
-- KEYS  1  prefix
-- ARGV  1  lane             2  user (base64url)   3  bay   4  generation
-- RETURNS  1 given back, 0 it is somebody else's, or in use by now

local name = room_key(ARGV[1], ARGV[2])
local room = redis.call('HMGET', name, 'bay', 'gen', 'open')
if room[1] ~= ARGV[3] or room[2] ~= ARGV[4] or room[3] == '1' then
  return 0
end
redis.call('HSET', P .. 'bays', ARGV[3], int(tonumber(ARGV[4]) + 1) .. ' -')
redis.call('DEL', name, P .. 'begun:' .. ARGV[3])
redis.call('ZREM', P .. 'due:' .. ARGV[1], ARGV[2])
set_rooms(ARGV[2], ARGV[1], false)
return 1
