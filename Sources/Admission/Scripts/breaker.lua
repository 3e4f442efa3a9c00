-- breaker: how calls to providers ended, and who rests because of it. A scope is a provider, or one model of it. What
-- failed at least half of five or more calls within 60 s rests, or what says itself that it is shut; then one call at a
-- time probes whether it serves again.
-- KEYS  1  prefix
-- ARGV  1  and on, in sixes: scope, calls that succeeded, calls that failed,
--          why it is shut: rate, account, funds, gone, '' if nothing says so,
--          how long it asked to be left alone, ms (of rate), or '',
--          who holds the probe that this was, '' for other calls
-- RETURNS  {scope, reason before, reason now}... in a row, of each scope whose reason changed; '' is serving
-- While a scope rests, other calls than its probe began before and say nothing new: only a graver reason counts, and a
-- later instant of a rate. Who was taken out by hand stays out. Repeating it counts the calls twice.

local BUCKET, BUCKETS = 6000, 10
-- Rests, ms: the first one, and to what it doubles while probes fail.
local FIRST = {failures = 5000, rate = 1000, account = 60000, funds = 60000, gone = 300000}
local LAST = {failures = 15000, rate = 15000, account = 60000, funds = 60000, gone = 300000}
local GRAVITY = {failures = 1, rate = 2, gone = 3, account = 4, funds = 4}
-- No rest is longer. One that is can only be of a clock that was set back.
local LONGEST = 600000
-- What rests and was not probed for a day is no longer used by anybody.
local UNUSED = 86400000

local breakers = P .. 'breakers'
local changes = {}

local function state_of(scope)
  local text = redis.call('HGET', breakers, scope)
  if not text then
    return nil
  end
  local reason, since, at, length, holder = string.match(text, '^(%S+) (%d+) (%d+) (%d+) %d+ (.*)$')
  at = tonumber(at)
  return {reason = reason, since = since, at = at > now + LONGEST and now or at, length = tonumber(length),
    holder = holder}
end

local function change(scope, from, to)
  if from ~= to then
    for _, text in ipairs({scope, from, to}) do
      changes[#changes + 1] = text
    end
  end
end

local function forget_unused()
  local all = redis.call('HGETALL', breakers)
  for index = 1, #all, 2 do
    local reason, at = string.match(all[index + 1], '^(%S+) %d+ (%d+)')
    if reason ~= 'hand' and tonumber(at) < now - UNUSED then
      redis.call('HDEL', breakers, all[index])
    end
  end
end

local function rest(scope, was, reason, length)
  if not was then
    forget_unused()
  end
  local at = math.max(now + length, was and was.at or 0)
  redis.call('HSET', breakers, scope, reason .. ' ' .. (was and was.since or int(now)) .. ' ' .. int(at) .. ' ' ..
    int(length) .. ' 0 ')
  redis.call('DEL', P .. 'breaker:' .. scope)
  change(scope, was and was.reason or '', reason)
end

-- Ten buckets in a ring: '<number> <successes> <failures>'. Whether the scope has failed too often.
local function count(scope, successes, failures)
  local key, number = P .. 'breaker:' .. scope, math.floor(now / BUCKET)
  local slot = number % BUCKETS
  local held, good, bad = string.match(redis.call('HGET', key, slot) or '', '^(%d+) (%d+) (%d+)$')
  if tonumber(held or nil) ~= number then
    good, bad = 0, 0
  end
  redis.call('HSET', key, slot, int(number) .. ' ' .. int(good + successes) .. ' ' .. int(bad + failures))
  redis.call('PEXPIRE', key, 120000)
  if failures == 0 then
    return false
  end
  local all, failed = 0, 0
  for _, bucket in ipairs(redis.call('HVALS', key)) do
    held, good, bad = string.match(bucket, '^(%d+) (%d+) (%d+)$')
    local age = number - tonumber(held)
    if age >= 0 and age < BUCKETS then
      all, failed = all + good + bad, failed + bad
    end
  end
  return all >= 5 and failed * 2 >= all
end

-- How long a probe's failure lets it rest.
local function longer(was, reason)
  return math.min(LAST[reason], math.max(FIRST[reason], was.length * 2))
end

for index = 1, #ARGV, 6 do
  local scope, successes, failures = ARGV[index], tonumber(ARGV[index + 1]), tonumber(ARGV[index + 2])
  local shut, holder = ARGV[index + 3], ARGV[index + 5]
  local pause = math.min(LONGEST, math.max(FIRST.rate, tonumber(ARGV[index + 4]) or 0))
  local was = state_of(scope)
  if not was then
    if shut ~= '' then
      rest(scope, nil, shut, shut == 'rate' and pause or FIRST[shut])
    elseif successes + failures > 0 and count(scope, successes, failures) then
      rest(scope, nil, 'failures', FIRST.failures)
    end
  elseif was.reason == 'hand' then
    -- Only an admin ends this.
  elseif holder ~= '' and holder == was.holder then
    if shut == '' and failures == 0 and successes > 0 then
      redis.call('HDEL', breakers, scope)
      change(scope, was.reason, '')
    elseif shut == '' and failures == 0 then
      -- It says nothing either way: the next one may probe.
      redis.call('HSET', breakers, scope, was.reason .. ' ' .. was.since .. ' ' .. int(was.at) .. ' ' ..
        int(was.length) .. ' 0 ')
    else
      local reason = shut ~= '' and shut or (GRAVITY[was.reason] > 2 and was.reason or 'failures')
      rest(scope, was, reason, math.max(longer(was, reason), reason == 'rate' and pause or 0))
    end
  elseif shut ~= '' and (GRAVITY[shut] > GRAVITY[was.reason] or (shut == 'rate' and was.reason == 'rate')) then
    rest(scope, was, shut, shut == 'rate' and pause or FIRST[shut])
  end
end
return changes
