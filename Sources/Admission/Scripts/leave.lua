-- leave: a head goes its way without having been admitted (it belongs elsewhere, or it was given up), or a claim was not
-- used. What it held is free for the user's next waiter.
-- KEYS  1  prefix
-- ARGV  1  lane             2  user (base64url)   3  claim, or ''
--       4  bay              5  generation
--       6  lease id that the head had on deck, or ''
--       7  messages left in the bay when it was taken, or '-'
--       8  commits that the claim saw
--       9  '1' when the head follows its user's tier to another lane: what the room knows of limits is void then
-- RETURNS  1

local name = room_key(ARGV[1], ARGV[2])
if ARGV[3] ~= '' then
  redis.call('ZREM', P .. 'leases:' .. ARGV[2], ARGV[3])
end
local room = redis.call('HMGET', name, 'bay', 'gen', 'deck', 'commits')
if room[1] == ARGV[4] and room[2] == ARGV[5] then
  if ARGV[6] ~= '' and room[3] == ARGV[6] then
    redis.call('HDEL', name, 'deck', 'deckuntil')
  end
  if ARGV[7] ~= '-' then
    redis.call('HSET', name, 'n', tonumber(ARGV[7]) + tonumber(room[4] or 0) - tonumber(ARGV[8]))
    redis.call('HDEL', name, 'emptied')
  end
  pass_on(ARGV[2])
  if ARGV[9] == '1' then
    redis.call('HSET', name, 'stamp', '')
    redis.call('ZADD', P .. 'due:' .. ARGV[1], now, ARGV[2])
  end
end
return 1
