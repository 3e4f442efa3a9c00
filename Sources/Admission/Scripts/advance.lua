-- advance: write down how one attempt ended and what the next one will be, before the next provider is called. What
-- the ended attempt cost and what the next one may cost must fit the month's cap together; else the job stops here,
-- with its lease and its money given back, and waits for its next turn. So does one that pauses between two attempts.
-- KEYS  1  prefix
-- ARGV  1  lease id         2  user (base64url)   3  digest
--       4  run              5  attempt that ended
--       6  its cost event, or '' if it never reached a provider
--       7  intent of the next attempt, '' for a pause
--       8  lease length, ms                       9  how long an unfinished job is kept, ms
--      10  job id          11  month that the run is charged to
--      12  what the ended attempt spent: five figures, '' if it never reached a provider
--      13  worst case of the next (for a pause, of the ended): five figures, '' when neither money nor quota is limited
--      14  limits, as for admit                  15  '1' for a pause: there is no next attempt for now; '2' for one
--          before an attempt that was not made, whose number is free again; else '0'
-- RETURNS  'advanced' | 'refused' (it stopped here, as a pause does; so does everything metered until what was spent
--          before a loss of Redis is known) | 'lost' (somebody else holds the job now)
-- Repeating it changes nothing.

local u, lease, job_key = ARGV[2], ARGV[1], P .. 'job:' .. ARGV[10]
local job = redis.call('HMGET', job_key, 'state', 'lease', 'run', 'attempt', 'refused', 'lane', 'why')
if job[3] and not (job[1] == 'running' and job[2] == lease) then
  if job[5] == lease then
    return 'refused'
  end
  return 'lost'
end
if job[1] == 'waiting' then
  -- Another delivery saw it waiting after a loss.
  count_wait(job[6], job[7], -1, u)
  redis.call('HDEL', job_key, 'why', 'seq', 'at', 'until')
end
local event = ARGV[10] .. '/' .. ARGV[4] .. '/' .. ARGV[5]
-- Jobs that the next admission has to count: 1 if nothing of the run is in the books yet.
local stops, uncounted = ARGV[15] ~= '0', 0
if ARGV[6] ~= '' then
  redis.call('HSET', job_key, 'cost:' .. ARGV[5], ARGV[6])
end

if ARGV[13] ~= '' and tonumber(job[4] or 0) <= tonumber(ARGV[5]) then
  local m, reserved = open_get(u, event)
  local worst = five(ARGV[13])
  if ARGV[6] ~= '' then
    settle_open(u, event, ARGV[11], ARGV[12])
    worst[5] = 0
  else
    worst[5] = reserved and reserved[5] or worst[5]
    open_drop(u, event)
  end
  local sums = redis.call('HMGET', P .. 'money:' .. u, ARGV[11] .. ':base', ARGV[11] .. ':open')
  local base, open = five(sums[1]), five(sums[2])
  -- After a loss nobody knows yet what was spent.
  local epoch = redis.call('GET', P .. 'epoch')
  local position = 0
  stops = stops or not epoch or redis.call('GET', P .. 'money_ready') ~= epoch
  for figure in string.gmatch(ARGV[14], '%S+') do
    position = position + 1
    local cap, index = tonumber(figure), position - 3
    if index >= 1 and cap and worst[index] > 0 and base[index] + open[index] + worst[index] > cap then
      stops = true
    end
  end
  uncounted = worst[5]
  if not stops then
    open_set(u, ARGV[10] .. '/' .. ARGV[4] .. '/' .. int(ARGV[5] + 1), ARGV[11], worst, '0')
  end
end

if stops then
  redis.call('ZREM', P .. 'leases:' .. u, lease)
  redis.call('HDEL', job_key, 'lease', 'intent', 'since')
  redis.call('HSET', job_key, 'state', 'queued', 'user', u, 'digest', ARGV[3], 'run', ARGV[4],
    'attempt', int(ARGV[15] == '2' and ARGV[5] - 1 or ARGV[5]), 'month', ARGV[11], 'refused', lease,
    'uncounted', int(uncounted))
  redis.call('PEXPIRE', job_key, ARGV[9])
  pass_on(u)
  return 'refused'
end

redis.call('HSET', job_key, 'state', 'running', 'user', u, 'digest', ARGV[3], 'run', ARGV[4],
  'attempt', int(ARGV[5] + 1), 'lease', lease, 'intent', ARGV[7], 'since', now, 'month', ARGV[11])
redis.call('PEXPIRE', job_key, ARGV[9])
hold_lease(u, lease, tonumber(ARGV[8]))
return 'advanced'
