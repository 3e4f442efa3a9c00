-- admit: let one job start now, or say what stands against it. Takes everything or nothing; asking again with the same
-- lease id gives the same answer. A job that must wait is told where.
-- KEYS  1  prefix
-- ARGV  1  run_id of the server this connection speaks to
--       2  job id           3  user (base64url)   4  digest of the body          5  lane
--       6  limit: leases the user may hold; 0: the job may not start, only say how it stands
--       7  lease length, ms
--       8  lease id: '<worker>.<delivery>', of a head followed by '#<bay>'
--       9  stamp for a new run
--      10  intent: what the first attempt will be (opaque bytes)
--      11  most attempts of a run                12  how long an unfinished job is kept, ms
--      13  run that this message replays, or ''
--      14  '1' if an attempt that was never heard of again may be made again whoever made it, else '0'
--      15  the message's copy number
--      16  of a head: '<claim> <bay> <generation> <commits> <remaining or ->', else ''
--      17  limits: '<rpm> <emission interval, micros> <burst> <nano-USD> <tokens> <audio ms> <video ms> <jobs>', '-' for
--          what is unlimited; '' when everything is
--      18  worst case: '<nano-USD> <tokens> <audio ms> <video ms> 1', '' when neither money nor quota is limited
--      19  stamp of the policy in force          20  bays in the pool         21  task type
--      22  labels, for keep_labels
-- RETURNS  {'admitted', run, attempt, active, now, month, cost event...}   the lease is held until now + length
--          {'wait', reason, ms until it can help to ask again, ms until the expected start, position, active, place,
--           bay, generation, copy number, cost event...}
--                              reason: concurrency, rate, money_reserved, quota_reserved, catching_up
--                              place: 'deck' a head stays in hand; 'park' into the bay; 'open' likewise, but this worker
--                              declares it first; 'ladder' no bay, come back by yourself
--          {'blocked', what, run or '', attempt, cost event...}   the month's cap or quota is used up
--                              what: nano_usd, tokens, audio, video, jobs
--          {'running', ms until its lease ends}          another delivery of the job runs
--          {'stale'}                                     a later copy of the job is where it can be found
--          {'orphan', run, attempt, intent, month}       an attempt began and nobody holds it any more
--          {'finished', run, status, result, output or '', attempt, cost event...}
--                                                        cost event: of an earlier attempt, not known to be settled
--          {'conflict'}                                  another body or user under this id
--          {'exhausted', run, attempt, '1' if the last attempt was never heard of again else '0', cost event...}
--          {'cancelled', note, run or '', attempt, cost event...}   somebody wants it ended, and nobody runs it
--          {'idle', run or '', attempt, cost event...}   limit 0, and nobody runs it
--          {'hold', ms}                                  Redis lost its memory: nothing is granted yet
-- The claim of a head is redeemed or given back whatever the answer is.

local u, lane, lease = ARGV[3], ARGV[5], ARGV[8]
local job_key, room_name = P .. 'job:' .. ARGV[2], room_key(lane, u)
local lease_length, limit = tonumber(ARGV[7]), tonumber(ARGV[6])

-- The claim first: from here on it counts no more.
local claim, head_bay, head_generation, commits, remaining
if ARGV[16] ~= '' then
  claim, head_bay, head_generation, commits, remaining = string.match(ARGV[16], '^(%S+) (%d+) (%d+) (%d+) (%S+)$')
  redis.call('ZREM', P .. 'leases:' .. u, claim)
end
local room = redis.call('HMGET', room_name, 'bay', 'gen', 'n', 'deck', 'deckuntil', 'seq', 'head', 'commits', 'open',
  'every', 'grant', 'ladder', 'openuntil')
local bay, generation = room[1], room[2]
local is_head = claim and bay == head_bay and generation == head_generation
if is_head then
  if remaining ~= '-' then
    room[3] = tonumber(remaining) + tonumber(room[8] or 0) - tonumber(commits)
    redis.call('HSET', room_name, 'n', room[3])
  end
  if room[4] == lease then
    redis.call('HDEL', room_name, 'deck', 'deckuntil')
    room[4] = false
  end
  redis.call('HDEL', room_name, 'emptied')
end

local function leave(reply)
  if claim then
    arm_all(u)
  end
  return reply
end

local function with_costs(reply, attempts)
  for n = 1, attempts do
    local event = redis.call('HGET', job_key, 'cost:' .. n)
    if event then
      reply[#reply + 1] = event
    end
  end
  return reply
end

-- From here on the job speaks for itself; its tier only the door has said.
local function take_over_from_door()
  local mark = redis.call('GET', P .. 'door:job:' .. ARGV[2])
  if mark then
    redis.call('HSET', job_key, 'tier', string.match(mark, '^%S+ %S+ %S+ %S+ (.*)$') or '')
    redis.call('DEL', P .. 'door:job:' .. ARGV[2])
  end
end

local grants, epoch = epoch_of(ARGV[1], lease_length)
local job = redis.call('HMGET', job_key, 'state', 'user', 'digest', 'run', 'attempt', 'lease', 'copy', 'bay', 'gen',
  'lane', 'why', 'seq', 'month', 'at', 'uncounted', 'cancel', 'again')
local state, run, attempt = job[1], job[4], tonumber(job[5] or 0)
local copy = tonumber(ARGV[15])
-- '' while it only waits for a bay to open.
job[12] = tonumber(job[12] or nil) or false

if state then
  if job[2] ~= u or job[3] ~= ARGV[4] then
    return leave({'conflict'})
  end
  if state == 'done' and not (ARGV[13] ~= '' and ARGV[13] == run) then
    local known = redis.call('HMGET', job_key, 'status', 'result')
    local output = redis.call('GET', P .. 'output:' .. ARGV[2]) or ''
    return leave(with_costs({'finished', run, known[1], known[2], output, attempt}, attempt))
  end
  if state == 'done' then
    redis.call('DEL', job_key, P .. 'output:' .. ARGV[2])
    state, run, attempt, job[7], job[12], job[13] = false, false, 0, false, false, false
  else
    if copy < tonumber(job[7] or 0) and bay_is_of(job[8], job[9]) then
      return leave({'stale'})
    end
    if state == 'running' then
      local expiry = tonumber(redis.call('ZSCORE', P .. 'leases:' .. u, job[6]) or 0)
      if expiry > now then
        if job[6] == lease then
          return leave(with_costs(
            {'admitted', run, attempt, redis.call('ZCARD', P .. 'leases:' .. u), now, job[13]}, attempt - 1))
        end
        return leave({'running', expiry - now})
      end
    end
  end
end

if grants > now then
  return leave({'hold', grants - now})
end
if state == 'running' then
  return leave({'orphan', run, attempt, redis.call('HGET', job_key, 'intent') or '', job[13] or month(now)})
end
if state and job[16] then
  return leave(with_costs({'cancelled', job[16], run or '', attempt}, attempt))
end
local is_unknown = attempt > 0 and redis.call('HEXISTS', job_key, 'unknown:' .. attempt) == 1 and '1' or '0'
local may_repeat = ARGV[14] == '1' or job[17] == tostring(attempt)
if attempt >= tonumber(ARGV[11]) or (is_unknown == '1' and not may_repeat) then
  return leave(with_costs({'exhausted', run, attempt, is_unknown}, attempt))
end
if limit == 0 then
  return leave(with_costs({'idle', run or '', attempt}, attempt))
end

-- What stands against it: reason, and when asking again can help.
local reason, at
local limits = {}
for figure in string.gmatch(ARGV[17], '%S+') do
  limits[#limits + 1] = tonumber(figure) or false
end

local charged = attempt > 0 and job[13] or month(now)
local worst
-- Whether what is left of the month may not be enough for all slots of the user: then heads are taken one by one.
local is_near
if ARGV[18] ~= '' then
  worst = five(ARGV[18])
  if attempt > 0 and job[15] ~= '1' then
    worst[5] = 0
  end
  if redis.call('GET', P .. 'money_ready') ~= epoch then
    reason, at = 'catching_up', now + 1000
  else
    local sums = redis.call('HMGET', P .. 'money:' .. u, charged .. ':base', charged .. ':open')
    local base, open = five(sums[1]), five(sums[2])
    local names = {'nano_usd', 'tokens', 'audio', 'video', 'jobs'}
    for index = 1, 5 do
      local cap = limits[index + 3]
      if cap and worst[index] > 0 then
        if base[index] + worst[index] > cap then
          return leave(with_costs({'blocked', names[index], run or '', attempt}, attempt))
        end
        if not reason and base[index] + open[index] + worst[index] > cap then
          reason, at = index == 1 and 'money_reserved' or 'quota_reserved', now + 60000
        end
        is_near = is_near or base[index] + open[index] + worst[index] * (limit + 1) > cap
      end
    end
  end
end

-- Rates count a job once, at its first start. The next start after this one is known then, too.
local emission, burst, rpm = limits[2], limits[3], limits[1]
local arrival, free_again
local function rate_instant()
  local instant = micros
  if emission then
    arrival = math.max(micros, tonumber(redis.call('HGET', P .. 'user:' .. u, 'tat') or 0))
    local full = micros + burst * emission
    if arrival > full then
      -- More than the bucket holds can only be a clock that was set back. From now on it drains.
      arrival = full
      redis.call('HSET', P .. 'user:' .. u, 'tat', int(full))
    end
    instant = math.max(instant, arrival - (burst - 1) * emission)
  end
  if rpm then
    local starts = P .. 'starts:' .. u
    redis.call('ZREMRANGEBYSCORE', starts, '-inf', int(micros - 60000000))
    for _, start in ipairs(redis.call('ZRANGEBYSCORE', starts, '(' .. int(micros), '+inf')) do
      redis.call('ZADD', starts, int(micros), start)  -- likewise
    end
    local count = redis.call('ZCARD', starts)
    if count >= rpm then
      local first = tonumber(redis.call('ZRANGE', starts, count - rpm, count - rpm, 'WITHSCORES')[2])
      instant = math.max(instant, first + 60000000)
    end
  end
  return instant
end
local is_rated = attempt == 0 and (emission or rpm)
if is_rated then
  local instant = rate_instant()
  if instant > micros then
    reason, at = 'rate', math.ceil(instant / 1000)
  end
end

local active = active_leases(u)
local is_deck_held = room[4] and tonumber(room[5]) > now
local has_waiters = bay and (tonumber(room[3] or 0) > 0 or is_deck_held)
if bay and not is_head and not has_waiters then
  redis.call('ZREMRANGEBYSCORE', P .. 'begun:' .. bay, '-inf', now)
  redis.call('ZREM', P .. 'begun:' .. bay, ARGV[2])
  has_waiters = redis.call('ZCARD', P .. 'begun:' .. bay) > 0
end
if active >= limit then
  reason, at = 'concurrency', first_expiry(u)
elseif has_waiters and not is_head and not reason then
  reason, at = 'concurrency', now
end

if not reason then
  run = run or ARGV[9]
  attempt = attempt + 1
  hold_lease(u, lease, lease_length)
  redis.call('HSET', job_key, 'state', 'running', 'user', u, 'digest', ARGV[4], 'run', run, 'attempt', attempt,
    'lease', lease, 'intent', ARGV[10], 'since', now, 'month', charged, 'lane', lane,
    'task', ARGV[21])
  if not state then
    take_over_from_door()
  end
  redis.call('HDEL', job_key, 'uncounted')
  redis.call('PEXPIRE', job_key, ARGV[12])
  if worst then
    open_set(u, ARGV[2] .. '/' .. run .. '/' .. attempt, charged, worst, '0')
  end
  local gate = 0
  if is_rated then
    if emission then
      redis.call('HSET', P .. 'user:' .. u, 'tat', int(arrival + emission))
      redis.call('PEXPIRE', P .. 'user:' .. u, MONEY_TTL)
    end
    if rpm then
      redis.call('ZADD', P .. 'starts:' .. u, int(micros), lease .. '/' .. run)
      redis.call('PEXPIRE', P .. 'starts:' .. u, 61000)
    end
    if bay then
      gate = math.ceil(rate_instant() / 1000)
    end
  end
  if state == 'waiting' then
    count_wait(job[10], job[11], -1, u)
    redis.call('HDEL', job_key, 'why', 'seq', 'at', 'until', 'parents', 'seen', 'queued', 'series', 'metadata')
  end
  if bay then
    local every = tonumber(room[10] or 0)
    local interval = now - tonumber(room[11] or now)
    if room[11] and interval < 60000 then
      every = every > 0 and every * 0.9 + interval * 0.1 or interval
    end
    redis.call('HSET', room_name, 'limit', limit, 'stamp', ARGV[19], 'gate', gate, 'why', gate > now and 'rate' or '',
      'single', (is_rated or is_near) and 1 or 0, 'grant', now, 'every', int(every * 1000) / 1000,
      'head', math.max(tonumber(room[7] or 0), tonumber(job[12] or 0)))
    arm(lane, u)
  elseif room[6] and job[12] then
    redis.call('HSET', room_name, 'head', math.max(tonumber(room[7] or 0), tonumber(job[12])))
  end
  return with_costs({'admitted', run, attempt, active + 1, now, charged}, attempt - 1)
end

-- It waits. Where: a head in hand, a bay if the user has one or earns one now, else the ladder.
local place, number = 'ladder', copy
local worker = string.match(lease, '^[^.]+')
if is_head then
  if not is_deck_held then
    place = 'deck'
    redis.call('HSET', room_name, 'deck', lease, 'deckuntil', now + 60000)
    redis.call('HDEL', room_name, 'passed')
  end
elseif bay and room[9] == '1' then
  place = 'park'
elseif bay and (room[9] == worker or tonumber(room[13] or 0) <= now) then
  place = 'open'
  redis.call('HSET', room_name, 'open', worker, 'openuntil', now + OPENING)
elseif not bay and redis.call('GET', P .. 'surveyed') == epoch then
  local pool = tonumber(ARGV[20])
  local made = tonumber(redis.call('HGET', P .. 'bays', 'made') or 0)
  local used = made - redis.call('SCARD', P .. 'free')
  if used < pool / 2 or tonumber(room[12] or 0) >= 2 then
    bay = redis.call('SPOP', P .. 'free')
    if not bay and made < pool then
      bay = redis.call('HINCRBY', P .. 'bays', 'made', 1)
    end
    if bay then
      place = 'open'
      bay = tostring(bay)
      generation = int(tonumber(string.match(redis.call('HGET', P .. 'bays', bay) or '', '^%d+') or 0) + 1)
      redis.call('HSET', P .. 'bays', bay, generation .. ' ' .. lane .. ':' .. u)
      redis.call('HDEL', room_name, 'emptied', 'deck', 'deckuntil')
      redis.call('HSET', room_name, 'bay', bay, 'gen', generation, 'open', worker, 'openuntil', now + OPENING,
        'n', 0, 'ladder', 0, 'seq', 0, 'head', 0)
      room[7] = 0
      redis.call('PERSIST', room_name)
      set_rooms(u, lane, true)
    end
  end
end

-- Its number in the line. Who comes to a bay comes to its end; who only waits for a bay to open has none yet. A number
-- above the room's is of a room that was given up meanwhile.
local seq, last = job[12], tonumber(room[6] or 0)
if place == 'park' or place == 'open' or (not bay and (not seq or tonumber(seq) > last)) then
  seq = redis.call('HINCRBY', room_name, 'seq', 1)
elseif place == 'ladder' and bay then
  seq = false
end
if place == 'park' or place == 'open' then
  number = math.max(copy, tonumber(job[7] or 0)) + 1
  redis.call('ZADD', P .. 'begun:' .. bay, now + 60000, ARGV[2])
  redis.call('PEXPIRE', P .. 'begun:' .. bay, 120000)
elseif not bay then
  redis.call('HINCRBY', room_name, 'ladder', 1)
  redis.call('PEXPIRE', room_name, 3600000)
end
if state == 'waiting' then
  count_wait(job[10], job[11], -1, u)
end
count_wait(lane, reason, 1, u)
redis.call('HSET', job_key, 'state', 'waiting', 'user', u, 'digest', ARGV[4], 'lane', lane, 'why', reason,
  'seq', seq or '', 'at', state == 'waiting' and job[14] or now, 'task', ARGV[21])
if not state then
  take_over_from_door()
end
keep_labels(job_key, ARGV[22])
redis.call('PEXPIRE', job_key, ARGV[12])
redis.call('HSET', room_name, 'limit', limit, 'limits', ARGV[17], 'stamp', ARGV[19], 'why', reason,
  'gate', reason ~= 'concurrency' and at or 0)
if bay then
  if reason ~= 'concurrency' then
    redis.call('HSET', room_name, 'single', 1)
  end
end
if bay or claim then
  arm_all(u)
end

local position = math.max(1, tonumber(seq or last + 1) - tonumber(room[7] or 0))
local wait = reason == 'concurrency' and 0 or at - now
local start = expected_start(u, room[10], limit, position, wait, is_rated and pace_of(rpm, emission) or 0)
if place == 'ladder' and bay then
  -- Not the limit is what it waits for, but a bay that opens or a deck that clears.
  start = 1000
end
return with_costs({'wait', reason, math.max(0, at - now), start, position, active, place, bay or '', generation or '',
  number}, attempt)
