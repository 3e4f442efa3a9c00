-- admit: let one job start now, or say what stands against it. Takes everything or nothing; asking again with the same
-- lease id gives the same answer.
-- KEYS  1  epoch            (STRING  "<run_id>:<grants from, ms>")
--       2  the job          (HASH    state user digest run attempt lease intent status result since cost:<n> unknown:<n>)
--       3  the user's leases (ZSET   lease id -> expiry, ms)
--       4  the lane's waiting jobs (ZSET  job id -> waiting since, ms)
--       5  the job's output (STRING)
-- ARGV  1  run_id of the server this connection speaks to
--       2  job id           3  user (base64url)   4  digest of the body
--       5  limit: leases the user may hold; 0: the job may not start, only say how it stands
--       6  lease length, ms
--       7  lease id         8  stamp for a new run
--       9  intent: what the first attempt will be (opaque bytes)
--      10  most attempts of a run                11  how long an unfinished job is kept, ms
--      12  run that this message replays, or ''
--      13  '1' if an attempt that was never heard of again may be made again, else '0'
-- RETURNS  {'admitted', run, attempt, active, now, cost event...}   the lease is held until now + length
--          {'full', active, ms until the first lease ends, now}
--          {'running', ms until its lease ends}          another delivery of the job runs
--          {'orphan', run, attempt, intent}              an attempt began and nobody holds it any more
--          {'finished', run, status, result, output or '', attempt, cost event...}
--                                                        cost event: of an earlier attempt, not known to be settled
--          {'conflict'}                                  another body or user under this id
--          {'exhausted', run, attempt, '1' if the last attempt was never heard of again else '0', cost event...}
--          {'idle', run or '', attempt, cost event...}   limit 0, and nobody runs it
--          {'hold', ms}                                  Redis lost its memory: nothing is granted yet
-- Time is the server's TIME. Expired leases are removed first, so a dead worker's leases need no sweeper.

local function with_costs(reply, attempts)
  for n = 1, attempts do
    local event = redis.call('HGET', KEYS[2], 'cost:' .. n)
    if event then
      reply[#reply + 1] = event
    end
  end
  return reply
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease_length = tonumber(ARGV[6])

local epoch = redis.call('GET', KEYS[1])
local grants_from
if epoch and string.sub(epoch, 1, #ARGV[1]) == ARGV[1] then
  grants_from = tonumber(string.sub(epoch, #ARGV[1] + 2))
else
  grants_from = now + lease_length
  redis.call('SET', KEYS[1], ARGV[1] .. ':' .. string.format('%d', grants_from))
end

local job = redis.call('HMGET', KEYS[2], 'state', 'user', 'digest', 'run', 'attempt', 'lease')
local state, run, attempt = job[1], job[4], tonumber(job[5] or 0)

if state then
  if job[2] ~= ARGV[3] or job[3] ~= ARGV[4] then
    return {'conflict'}
  end
  if state == 'done' and not (ARGV[12] ~= '' and ARGV[12] == run) then
    local known = redis.call('HMGET', KEYS[2], 'status', 'result')
    return with_costs({'finished', run, known[1], known[2], redis.call('GET', KEYS[5]) or '', attempt}, attempt)
  end
  if state == 'done' then
    redis.call('DEL', KEYS[2], KEYS[5])
    state, run, attempt = false, false, 0
  elseif state == 'running' then
    local expiry = tonumber(redis.call('ZSCORE', KEYS[3], job[6]) or 0)
    if expiry > now then
      if job[6] == ARGV[7] then
        return with_costs({'admitted', run, attempt, redis.call('ZCARD', KEYS[3]), now}, attempt - 1)
      end
      return {'running', expiry - now}
    end
  end
end

if grants_from > now then
  return {'hold', grants_from - now}
end
if state == 'running' then
  return {'orphan', run, attempt, redis.call('HGET', KEYS[2], 'intent')}
end
local is_unknown = attempt > 0 and redis.call('HGET', KEYS[2], 'unknown:' .. attempt) or '0'
if attempt >= tonumber(ARGV[10]) or (is_unknown == '1' and ARGV[13] == '0') then
  return with_costs({'exhausted', run, attempt, is_unknown}, attempt)
end
if ARGV[5] == '0' then
  return with_costs({'idle', run or '', attempt}, attempt)
end

redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local active = redis.call('ZCARD', KEYS[3])
if active >= tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[2], 'state', 'waiting', 'user', ARGV[3], 'digest', ARGV[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[11])
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - 3600000)
  redis.call('ZADD', KEYS[4], now, ARGV[2])
  local first = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  return {'full', active, (first[2] or now) - now, now}
end

run = run or ARGV[8]
attempt = attempt + 1
redis.call('ZADD', KEYS[3], now + lease_length, ARGV[7])
redis.call('PEXPIRE', KEYS[3], lease_length * 2)
redis.call('HSET', KEYS[2], 'state', 'running', 'user', ARGV[3], 'digest', ARGV[4], 'run', run,
  'attempt', attempt, 'lease', ARGV[7], 'intent', ARGV[9], 'since', now)
redis.call('PEXPIRE', KEYS[2], ARGV[11])
if state == 'waiting' then
  redis.call('ZREM', KEYS[4], ARGV[2])
end
return with_costs({'admitted', run, attempt, active + 1, now}, attempt - 1)
