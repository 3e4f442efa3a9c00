-- by_hand: an admin takes a scope out of service, or lets it serve again, whatever it rested for.
-- KEYS  1  prefix
-- ARGV  1  scope
--       2  '1' out of service until it is released, '0' released
-- RETURNS  reason before: failures, rate, account, funds, gone, hand, '' for serving
-- Repeating it changes nothing.

local breakers = P .. 'breakers'
local before = string.match(redis.call('HGET', breakers, ARGV[1]) or '', '^%S+') or ''
if ARGV[2] == '0' then
  redis.call('HDEL', breakers, ARGV[1])
elseif before ~= 'hand' then
  redis.call('HSET', breakers, ARGV[1], 'hand ' .. int(now) .. ' 0 0 0 ')
end
redis.call('DEL', P .. 'breaker:' .. ARGV[1])
return before
