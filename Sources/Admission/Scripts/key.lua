-- key: what is known of an API key. As with a grant, nothing is said of it before a Redis that lost its memory was told
-- the keys again.
-- KEYS  1  prefix
-- ARGV  1  run_id of the server this connection speaks to      2  lease length, ms      3  id of the key
-- RETURNS  {ms until anything can be said, '1' if this memory was ever told a key else '0', entry or '', the epoch}

local grants, epoch = epoch_of(ARGV[1], tonumber(ARGV[2]))
return {
  math.max(0, grants - now), redis.call('EXISTS', P .. 'keys') == 1 and '1' or '0',
  redis.call('HGET', P .. 'keys', ARGV[3]) or '', epoch,
}
