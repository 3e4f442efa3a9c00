-- explain: how a job stands, and what it waits for. Changes nothing.
-- KEYS  1  prefix
-- ARGV  1  run_id           2  lease length, ms   3  job id
-- RETURNS  {now, ms until anything is granted, of 's' (the bays were surveyed) and 'm' (the money is known) what holds,
--           fields and values of the job, scopes that do not serve and their states}
--                                                               no fields: no worker knows it
--          and of one that no worker knows behind that
--          {..., what door remembers of it, or ''}
--          and unless it has ended behind that
--          {..., fields and values of the room it waits in, place, position, ms until the expected start (-1 unless it
--           waits), leases and claims of the user, {lease, ms left, its job or '', when its attempt began or ''}...,
--           month, base, open}
--          place: 'deck' in a worker's hand, 'bay', 'parking' on its way there, 'ladder', '' if it does not wait
-- At most the 100 leases that end last are named.

local job_key = P .. 'job:' .. ARGV[3]
local hold, flags = hold_of(ARGV[1], tonumber(ARGV[2]))
local reply = {now, hold, flags, redis.call('HGETALL', job_key), redis.call('HGETALL', P .. 'breakers')}
local job = redis.call('HMGET', job_key, 'state', 'user', 'lane', 'bay', 'gen', 'seq', 'attempt', 'month', 'why',
  'until')
local u = job[2]
if not u then
  reply[#reply + 1] = redis.call('GET', P .. 'door:job:' .. ARGV[3]) or ''
  return reply
elseif job[1] == 'done' then
  return reply
end

-- The job that a lease stands for: '<worker>.<delivery>/<job>', of a head followed by '#<bay>'.
local function job_of(lease)
  return string.match(lease, '^[^/]*/([^#]+)') or ''
end

local active = redis.call('ZCOUNT', P .. 'leases:' .. u, '(' .. now, '+inf')
local leases = redis.call('ZREVRANGEBYSCORE', P .. 'leases:' .. u, '+inf', '(' .. now, 'WITHSCORES', 'LIMIT', 0, 100)
local holders, starts = {}, {}
for index = 1, #leases, 2 do
  local id = job_of(leases[index])
  local since = id ~= '' and redis.call('HGET', P .. 'job:' .. id, 'since') or ''
  starts[#starts + 1] = tonumber(since) or now
  holders[#holders + 1] = {leases[index], tonumber(leases[index + 1]) - now, id, since}
end

local room, place, position, expected = {}, '', 0, -1
if job[1] == 'waiting' and STANDS_ALONE[job[9]] then
  place, position, expected = 'ladder', 1, math.max(hold, tonumber(job[10] or now) - now)
elseif job[1] == 'waiting' then
  local name = room_key(job[3], u)
  room = redis.call('HGETALL', name)
  local known = redis.call('HMGET', name, 'bay', 'gen', 'deck', 'deckuntil', 'head', 'seq', 'gate', 'limit', 'limits',
    'every')
  if known[3] and tonumber(known[4]) > now and job_of(known[3]) == ARGV[3] then
    place = 'deck'
  elseif known[1] and tonumber(redis.call('ZSCORE', P .. 'begun:' .. known[1], ARGV[3]) or 0) > now then
    place = 'parking'
  else
    place = known[1] and job[4] == known[1] and job[5] == known[2] and 'bay' or 'ladder'
  end
  local last = tonumber(known[6] or 0)
  local seq = tonumber(job[6]) or last + 1
  position = seq > last + 1 and 1 or math.max(1, seq - tonumber(known[5] or 0))
  local pace = 0
  if tonumber(job[7] or 0) == 0 then
    local rpm, emission = string.match(known[9] or '', '^(%S+) (%S+)')
    pace = pace_of(tonumber(rpm), tonumber(emission))
  end
  local wait = math.max(hold, tonumber(known[7] or 0) - now)
  expected = expected_start(u, known[10], tonumber(known[8] or 1), position, wait, pace, starts)
end

local m = job[8] or month(now)
local sums = redis.call('HMGET', P .. 'money:' .. u, m .. ':base', m .. ':open')
for _, value in ipairs({room, place, position, expected, active, holders, m, sums[1] or '', sums[2] or ''}) do
  reply[#reply + 1] = value
end
return reply
