-- open_epoch: on a fleet that never ran before nothing can have been lost, so nothing has to be waited for.
-- KEYS  1  epoch
-- ARGV  1  run_id
-- RETURNS  1 opened, 0 there was an epoch already

if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1] .. ':0')
return 1
