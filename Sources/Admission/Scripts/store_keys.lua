-- store_keys: writes API keys beside those that are there, in the place of what is known of the same ids. A revoked key
-- stays revoked: whoever comes late with what it read before changes nothing.
-- KEYS  1  prefix
-- ARGV  1  id of a key            2  its entry, an object of JSON with the member 'revoked'
--       3  and on: further pairs
-- RETURNS  how many entries were changed

local function is_revoked(entry)
  local is_read, key = pcall(cjson.decode, entry)
  return is_read and type(key) == 'table' and key.revoked == true
end

local changed = 0
for index = 1, #ARGV, 2 do
  local id, entry = ARGV[index], ARGV[index + 1]
  local known = redis.call('HGET', P .. 'keys', id)
  if known ~= entry and (is_revoked(entry) or not (known and is_revoked(known))) then
    redis.call('HSET', P .. 'keys', id, entry)
    changed = changed + 1
  end
end
if changed > 0 then
  redis.call('HINCRBY', P .. 'keys', '!stamp', 1)
end
return changed
