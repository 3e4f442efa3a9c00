-- money_epoch: everything that was spent before an epoch is in the bases now, so that hard limits can be judged again.
-- KEYS  1  prefix
-- ARGV  1  the epoch, as the key of that name holds it
-- RETURNS  1 it is the epoch in force, 0 it is another one

if redis.call('GET', P .. 'epoch') ~= ARGV[1] then
  return 0
end
redis.call('SET', P .. 'money_ready', ARGV[1])
return 1
