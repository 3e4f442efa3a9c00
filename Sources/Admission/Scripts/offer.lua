-- offer: a bay that exists, is empty and belongs to nobody is free for the next who needs one.
-- KEYS  1  prefix
-- ARGV  1  bay
-- RETURNS  1 free, 0 it has an owner

local entry = redis.call('HGET', P .. 'bays', ARGV[1])
if entry and string.sub(entry, -1) ~= '-' then
  return 0
end
if tonumber(redis.call('HGET', P .. 'bays', 'made') or 0) < tonumber(ARGV[1]) then
  redis.call('HSET', P .. 'bays', 'made', ARGV[1])
end
redis.call('SADD', P .. 'free', ARGV[1])
return 1
