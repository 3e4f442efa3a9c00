-- finish: the marker that a run has ended. Keeps the events until they are confirmed and the result for those who ask
-- again, and gives the lease back. Needs nothing that Redis might have lost.
-- KEYS  1  the job          2  the user's leases   3  the job's output   4  the lane's waiting jobs
-- ARGV  1  lease id, or '' for a run that ends without a lease (it was refused before any attempt)
--       2  job id           3  user (base64url)   4  digest
--       5  run              6  status: succeeded, failed, blocked, cancelled
--       7  result event without its output        8  output, or ''
--       9  how long a finished job is remembered, ms   10  how long its output is kept, ms
--      11  number of the last attempt
--      12  and on, in pairs: attempt number, its cost event
-- RETURNS  {'finished', run}          now, or before with this very lease
--          {'superseded', '1' if another run began meanwhile else '0', n...}   the job was taken away from this lease;
--                                     n: attempts of this run that were declared unknown
--          {'running', ms}            no lease was given and another delivery runs, or did until 0 ms ago
--          {'known', run, status, result, output or '', attempt, cost event...}
--                                     no lease was given and the job had ended before
--          {'conflict'}               no lease was given and the id belongs to another body or user
-- The lease is removed by its id: a second finish removes nothing.

local job = redis.call('HMGET', KEYS[1], 'state', 'lease', 'user', 'digest', 'run', 'attempt')
local state, run = job[1], ARGV[5]

if ARGV[1] ~= '' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  if job[5] and job[2] ~= ARGV[1] then
    if job[5] ~= run then
      return {'superseded', '1'}
    end
    local reply = {'superseded', '0'}
    for n = 1, tonumber(ARGV[11]) do
      if redis.call('HEXISTS', KEYS[1], 'unknown:' .. n) == 1 then
        reply[#reply + 1] = n
      end
    end
    return reply
  end
  if state == 'done' then
    return {'finished', run}
  end
elseif state then
  if job[3] ~= ARGV[3] or job[4] ~= ARGV[4] then
    return {'conflict'}
  end
  if state == 'done' then
    local known = redis.call('HMGET', KEYS[1], 'status', 'result')
    local reply = {'known', job[5], known[1], known[2], redis.call('GET', KEYS[3]) or '', tonumber(job[6] or 0)}
    for n = 1, tonumber(job[6] or 0) do
      local event = redis.call('HGET', KEYS[1], 'cost:' .. n)
      if event then
        reply[#reply + 1] = event
      end
    end
    return reply
  end
  if state == 'running' then
    local clock = redis.call('TIME')
    local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
    local expiry = tonumber(redis.call('ZSCORE', KEYS[2], job[2]) or 0)
    return {'running', math.max(0, expiry - now)}
  end
  run = job[5] or run
end

redis.call('HDEL', KEYS[1], 'intent', 'since')
local attempt = math.max(tonumber(ARGV[11]), tonumber(job[6] or 0))
redis.call('HSET', KEYS[1], 'state', 'done', 'status', ARGV[6], 'result', ARGV[7], 'user', ARGV[3],
  'digest', ARGV[4], 'run', run, 'attempt', attempt, 'lease', ARGV[1])
for index = 12, #ARGV, 2 do
  redis.call('HSET', KEYS[1], 'cost:' .. ARGV[index], ARGV[index + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[9])
if ARGV[8] ~= '' then
  redis.call('SET', KEYS[3], ARGV[8], 'PX', ARGV[10])
end
if state == 'waiting' then
  redis.call('ZREM', KEYS[4], ARGV[2])
end
return {'finished', run}
