-- finish: the marker that a run has ended. Keeps the events until they are confirmed and the result for those who ask
-- again, settles the money, gives the lease back and passes the chance on. Needs nothing that Redis might have lost.
-- KEYS  1  prefix
-- ARGV  1  lease id, or '' for a run that ends without a lease (it was refused before any attempt)
--       2  job id           3  user (base64url)   4  digest
--       5  run              6  status: succeeded, failed, blocked, cancelled
--       7  result event without its output        8  output, or ''
--       9  how long a finished job is remembered, ms   10  how long its output is kept, ms
--      11  number of the last attempt            12  month that the run is charged to, '' when nothing is limited
--      13  task type                             14  the files that it made, as the output names them, or '': kept
--                                                  as long as the job is remembered
--      15  and on, in threes: attempt number, its cost event, what it spent (five figures, or '' when nothing is limited)
-- RETURNS  {'finished', run, lane}    now, or before with this very lease; lane: of the user's waiters that can run now, or ''
--          {'superseded', '1' if another run began meanwhile else '0', event...}   the job was taken away from this lease;
--                                     the events of this run's attempts that were declared unknown
--          {'running', ms}            no lease was given and another delivery runs, or did until 0 ms ago
--          {'known', run, status, result, output or '', attempt, cost event...}
--                                     no lease was given and the job had ended before
--          {'conflict'}               no lease was given and the id belongs to another body or user
-- The lease is removed by its id: a second finish removes nothing. A job that was blocked can be cancelled, which is a run
-- of its own: the message that lies among the blocked ones is then known when it is released.

local u, lease = ARGV[3], ARGV[1]
local job_key = P .. 'job:' .. ARGV[2]
local job = redis.call('HMGET', job_key, 'state', 'lease', 'user', 'digest', 'run', 'attempt', 'lane', 'why', 'since',
  'status', 'parents')
local state, run = job[1], ARGV[5]
local was_blocked = lease == '' and state == 'done' and job[10] == 'blocked' and ARGV[6] == 'cancelled'

local function settle()
  if ARGV[12] == '' then
    return
  end
  local event = ARGV[2] .. '/' .. ARGV[5] .. '/'
  local last_is_priced = false
  for index = 15, #ARGV, 3 do
    settle_open(u, event .. ARGV[index], ARGV[12], ARGV[index + 2])
    last_is_priced = last_is_priced or ARGV[index] == ARGV[11]
  end
  if not last_is_priced then
    open_drop(u, event .. ARGV[11])
  end
  -- Granted, and its holder ended the run before it heard of it.
  for n = tonumber(ARGV[11]) + 1, tonumber(job[5] == ARGV[5] and job[6] or 0) do
    open_drop(u, event .. int(n))
  end
end

if lease ~= '' then
  redis.call('ZREM', P .. 'leases:' .. u, lease)
  if job[5] and job[2] ~= lease then
    pass_on(u)
    if job[5] ~= run then
      settle()
      return {'superseded', '1'}
    end
    local reply = {'superseded', '0'}
    for n = 1, tonumber(ARGV[11]) do
      local declared = redis.call('HGET', job_key, 'unknown:' .. n)
      if declared then
        reply[#reply + 1] = declared
      end
    end
    return reply
  end
  if state == 'done' then
    return {'finished', run, ''}
  end
  settle()
elseif state then
  if job[3] ~= u or job[4] ~= ARGV[4] then
    return {'conflict'}
  end
  if state == 'done' and not was_blocked then
    local known = redis.call('HMGET', job_key, 'status', 'result')
    local output = redis.call('GET', P .. 'output:' .. ARGV[2]) or ''
    local reply = {'known', job[5], known[1], known[2], output, tonumber(job[6] or 0)}
    for n = 1, tonumber(job[6] or 0) do
      local event = redis.call('HGET', job_key, 'cost:' .. n)
      if event then
        reply[#reply + 1] = event
      end
    end
    return reply
  end
  if state == 'running' then
    local expiry = tonumber(redis.call('ZSCORE', P .. 'leases:' .. u, job[2]) or 0)
    return {'running', math.max(0, expiry - now)}
  end
  run = not was_blocked and job[5] or run
end

if state == 'waiting' then
  count_wait(job[7], job[8], -1, u)
end
redis.call('HDEL', job_key, 'intent', 'since', 'why', 'seq', 'at', 'until', 'refused', 'cancel', 'parents', 'missing',
  'looked', 'seen', 'queued', 'series', 'metadata')
local attempt = math.max(tonumber(ARGV[11]), tonumber(job[6] or 0))
redis.call('HSET', job_key, 'state', 'done', 'status', ARGV[6], 'result', ARGV[7], 'user', u,
  'digest', ARGV[4], 'run', run, 'attempt', attempt, 'lease', lease, 'task', ARGV[13])
for index = 15, #ARGV, 3 do
  redis.call('HSET', job_key, 'cost:' .. ARGV[index], ARGV[index + 1])
end
if ARGV[14] ~= '' then
  redis.call('HSET', job_key, 'files', ARGV[14])
end
local remembered = tonumber(ARGV[9])
if ARGV[6] == 'blocked' or was_blocked then
  -- As long as its message may be released: it would run again where nobody remembers it.
  remembered = math.max(remembered, MONEY_TTL)
elseif job[11] then
  -- It waited for others, which are kept for as long as it might have: who looks at all of them finds it, too.
  remembered = math.max(remembered, redis.call('PTTL', job_key))
end
redis.call('PEXPIRE', job_key, int(remembered))
if ARGV[8] ~= '' then
  redis.call('SET', P .. 'output:' .. ARGV[2], ARGV[8], 'PX', ARGV[10])
end

local lanes = rooms_of(u)
if #lanes == 0 then
  return {'finished', run, ''}
end
if lease ~= '' and job[9] then
  local length = now - tonumber(job[9])
  local before = tonumber(redis.call('HGET', P .. 'user:' .. u, 'dur') or length)
  redis.call('HSET', P .. 'user:' .. u, 'dur', int(before * 0.9 + length * 0.1))
  redis.call('PEXPIRE', P .. 'user:' .. u, MONEY_TTL)
end
pass_on(u)
for _, lane in ipairs(lanes) do
  local due = redis.call('ZSCORE', P .. 'due:' .. lane, u)
  if due and tonumber(due) <= now then
    return {'finished', run, lane}
  end
end
return {'finished', run, ''}
