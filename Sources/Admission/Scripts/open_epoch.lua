-- open_epoch: on a fleet that never ran before nothing can have been lost, so nothing has to be waited for: no leases, no
-- money on its way, no bays with messages.
-- KEYS  1  prefix
-- ARGV  1  run_id
-- RETURNS  1 opened, 0 there was an epoch already

if redis.call('EXISTS', P .. 'epoch') == 1 then
  return 0
end
local epoch = ARGV[1] .. ':0'
redis.call('SET', P .. 'epoch', epoch)
redis.call('SET', P .. 'money_ready', epoch)
redis.call('SET', P .. 'surveyed', epoch)
return 1
