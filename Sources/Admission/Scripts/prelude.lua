-- prelude: stands before every other script. Names the keys, reads the clock, and holds what several scripts do.
-- KEYS  1  prefix of every key of the fleet; it ends the hash tag that keeps them on one server
-- ARGV  of the script that follows
-- RETURNS  nothing
-- Times are milliseconds by the server's TIME unless they are called micros; u is a user id in base64url.

local P = KEYS[1]
local clock = redis.call('TIME')
local micros = clock[1] * 1000000 + clock[2]
local now = math.floor(micros / 1000)
local LANES = {'critical', 'high', 'standard', 'low'}
local MONEY_TTL = 40 * 86400000
-- A bay that was found empty is looked at once more after this long before it is given back.
local SECOND_LOOK = 10000
-- How long the worker that was told to declare a bay may take; then another one is told.
local OPENING = 30000
-- No instant that a room waits for is further away than this. One that is can only be of a clock that was set back.
local FARTHEST = 70000
-- For these a job stands in no line: it comes back by itself at an instant of its own.
local STANDS_ALONE = {provider_resting = true, not_before = true, parents = true}

-- Lua joins numbers to texts with 14 digits; micros have 16.
local function int(number)
  return string.format('%.0f', number)
end

-- '2026-11' of a time: the civil calendar, UTC.
local function month(time)
  local days = math.floor(time / 86400000) + 719468
  local era = math.floor(days / 146097)
  local day = days - era * 146097
  local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
  local rest = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local shifted = math.floor((5 * rest + 2) / 153)
  local number = shifted < 10 and shifted + 3 or shifted - 9
  return string.format('%04d-%02d', year + era * 400 + (number <= 2 and 1 or 0), number)
end

-- From when on this memory of Redis may grant, and its name. One that the fleet did not know before may have lost
-- leases, so all of them must have had the time to be renewed or to run out.
local function epoch_of(run_id, lease_length)
  local epoch = redis.call('GET', P .. 'epoch')
  if epoch and string.sub(epoch, 1, #run_id) == run_id then
    return tonumber(string.sub(epoch, #run_id + 2)), epoch
  end
  local from = now + lease_length
  epoch = run_id .. ':' .. int(from)
  redis.call('SET', P .. 'epoch', epoch)
  return from, epoch
end

-- The same without beginning an epoch: ms until anything is granted, and of 's' (the bays were surveyed) and 'm' (the
-- money is known) what holds. Where no fleet ever ran nothing stands against it.
local function hold_of(run_id, lease_length)
  local epoch = redis.call('GET', P .. 'epoch')
  if not epoch then
    return 0, 'sm'
  end
  local flags = (redis.call('GET', P .. 'surveyed') == epoch and 's' or '') ..
    (redis.call('GET', P .. 'money_ready') == epoch and 'm' or '')
  if string.sub(epoch, 1, #run_id) ~= run_id then
    return lease_length, flags
  end
  return math.max(0, tonumber(string.sub(epoch, #run_id + 2)) - now), flags
end

-- How many leases and claims of the user are alive.
local function active_leases(u)
  redis.call('ZREMRANGEBYSCORE', P .. 'leases:' .. u, '-inf', now)
  return redis.call('ZCARD', P .. 'leases:' .. u)
end

-- When the first of them runs out.
local function first_expiry(u)
  return tonumber(redis.call('ZRANGE', P .. 'leases:' .. u, 0, 0, 'WITHSCORES')[2] or now)
end

local function hold_lease(u, id, length)
  redis.call('ZADD', P .. 'leases:' .. u, now + length, id)
  redis.call('PEXPIRE', P .. 'leases:' .. u, math.max(length * 2, 60000))
end

-- What the result of a job says of it that only its message knows, for whoever ends it without that while it waits.
-- labels: '<tier>', '<queued at>', '<series>', '<metadata>', each but the last in a line of its own, or ''
local function keep_labels(job_key, labels)
  local tier, queued, series, metadata = string.match(labels, '^([^\n]*)\n(%d*)\n([^\n]*)\n(.*)$')
  for _, label in ipairs({{'tier', tier}, {'queued', queued}, {'series', series}, {'metadata', metadata}}) do
    if label[2] and label[2] ~= '' then
      redis.call('HSET', job_key, label[1], label[2])
    end
  end
end

-- Has the worker that holds a lease end its run; the note says to people why.
local function tell_holder(lease, note)
  local told = P .. 'cancels:' .. string.match(lease, '^[^.]+')
  redis.call('SADD', told, lease .. ' ' .. note)
  redis.call('PEXPIRE', told, 3600000)
end

-- Money and quotas: five figures, in this order: nano-USD, tokens, audio milliseconds, video milliseconds, jobs.

local function five(text)
  local figures = {}
  for figure in string.gmatch(text or '', '%-?%d+') do
    figures[#figures + 1] = tonumber(figure)
  end
  for index = #figures + 1, 5 do
    figures[index] = 0
  end
  return figures
end

local function text_of(figures)
  return int(figures[1]) .. ' ' .. int(figures[2]) .. ' ' .. int(figures[3]) .. ' ' .. int(figures[4]) .. ' ' ..
    int(figures[5])
end

local function add_to_open(u, m, figures, sign)
  local sum = five(redis.call('HGET', P .. 'money:' .. u, m .. ':open'))
  for index = 1, 5 do
    sum[index] = sum[index] + sign * figures[index]
  end
  redis.call('HSET', P .. 'money:' .. u, m .. ':open', text_of(sum))
end

-- The month and the figures that an event has open, nil if it has none.
local function open_get(u, event)
  local entry = redis.call('HGET', P .. 'open:' .. u, event)
  if entry then
    return string.sub(entry, 1, 7), five(string.sub(entry, 9))
  end
end

local function open_drop(u, event)
  local m, figures = open_get(u, event)
  if not m then
    return false
  end
  redis.call('HDEL', P .. 'open:' .. u, event)
  add_to_open(u, m, figures, -1)
  return true
end

-- settled: '0' a worst case, '1' what was spent and the ledger has yet to say.
local function open_set(u, event, m, figures, settled)
  open_drop(u, event)
  redis.call('HSET', P .. 'open:' .. u, event, m .. ' ' .. text_of(figures) .. ' ' .. settled)
  add_to_open(u, m, figures, 1)
  redis.call('PEXPIRE', P .. 'open:' .. u, MONEY_TTL)
  redis.call('PEXPIRE', P .. 'money:' .. u, MONEY_TTL)
end

-- What an attempt has spent takes the place of its worst case. An entry that a loss of Redis took is written again.
local function settle_open(u, event, m, spent)
  local old_month, old = open_get(u, event)
  local figures = five(spent)
  figures[5] = old and old[5] or figures[5]
  open_set(u, event, old_month or m, figures, '1')
end

-- The room: the waiting jobs of a user in a lane.

local function room_key(lane, u)
  return P .. 'room:' .. lane .. ':' .. u
end

local function rooms_of(u)
  local lanes = {}
  for rank in string.gmatch(redis.call('HGET', P .. 'user:' .. u, 'rooms') or '', '%d') do
    lanes[#lanes + 1] = LANES[tonumber(rank) + 1]
  end
  return lanes
end

local function set_rooms(u, lane, is_there)
  local text = ''
  local had = redis.call('HGET', P .. 'user:' .. u, 'rooms') or ''
  for rank = 0, 3 do
    local mine = LANES[rank + 1] == lane
    if (mine and is_there) or (not mine and string.find(had, tostring(rank), 1, true)) then
      text = text .. rank
    end
  end
  redis.call('HSET', P .. 'user:' .. u, 'rooms', text)
  redis.call('PEXPIRE', P .. 'user:' .. u, MONEY_TTL)
end

-- A job of the user begins (1) or ceases (-1) to wait, wherever it does that.
local function count_wait(lane, reason, change, u)
  redis.call('HINCRBY', P .. 'waits', lane .. ':' .. reason, change)
  redis.call('HINCRBY', P .. 'user:' .. u, 'waiting:' .. lane, change)
  redis.call('PEXPIRE', P .. 'user:' .. u, MONEY_TTL)
end

-- The longest lines of a lane, for those who look on: rooms by how many wait in them.
local function count_line(lane, u, room_n, is_deck_held)
  local n = math.max(0, tonumber(room_n or 0)) + (is_deck_held and 1 or 0)
  if n > 0 then
    redis.call('ZADD', P .. 'lines:' .. lane, n, u)
  else
    redis.call('ZREM', P .. 'lines:' .. lane, u)
  end
end

-- Puts the room into its lane's index at the earliest instant at which looking at it can be useful. One that is due
-- keeps its turn; one with a bay never leaves the index.
local function arm(lane, u)
  local room = redis.call('HMGET', room_key(lane, u), 'bay', 'n', 'gate', 'limit', 'deck', 'deckuntil')
  local index = P .. 'due:' .. lane
  local is_deck_held = room[5] and tonumber(room[6]) > now
  count_line(lane, u, room[1] and room[2], room[1] and is_deck_held)
  if not room[1] then
    redis.call('ZREM', index, u)
    return
  end
  local had = tonumber(redis.call('ZSCORE', index, u) or nil)
  if tonumber(room[2] or 0) <= 0 and not is_deck_held then
    if not had or had > now + SECOND_LOOK then
      redis.call('ZADD', index, now + SECOND_LOOK, u)
    end
    return
  end
  local gate = tonumber(room[3] or 0)
  local due = now
  if gate > now and gate <= now + FARTHEST then
    due = gate
  elseif active_leases(u) >= tonumber(room[4] or 1) then
    due = math.max(now + 1, first_expiry(u))
  elseif had and had <= now then
    return
  end
  redis.call('ZADD', index, due, u)
end

-- A claim was given back: its slot may serve another room of the user.
local function arm_all(u)
  for _, lane in ipairs(rooms_of(u)) do
    arm(lane, u)
  end
end

-- Somebody of this user ended or gave something back: whoever waits for that may be looked at. A rate has an instant of
-- its own, which nothing brings nearer.
local function pass_on(u)
  for _, lane in ipairs(rooms_of(u)) do
    if redis.call('HGET', room_key(lane, u), 'why') ~= 'rate' then
      redis.call('HSET', room_key(lane, u), 'gate', 0)
    end
    arm(lane, u)
  end
end

-- Limits changed: what the rooms know of them is void until a job was judged anew.
local function wake(u)
  for _, lane in ipairs(rooms_of(u)) do
    redis.call('HSET', room_key(lane, u), 'gate', 0, 'stamp', '')
    redis.call('ZADD', P .. 'due:' .. lane, now, u)
  end
end

-- How long runs of the user took on average, ms; nil before one has ended.
local function average_run(u)
  return tonumber(redis.call('HGET', P .. 'user:' .. u, 'dur') or nil)
end

-- How long until the job at a place in the line starts, ms. Every job uses a slot for as long as the user's runs take on
-- average, or longer where the room's starts are further apart, as they are when the fleet is busy. Before one has ended
-- that is a second, or as long as those that run have run already.
-- every: ms between starts of the room; wait: ms until the limit that binds can be met, 0 for concurrency, because a lease
-- is given back long before it would run out; pace: ms between starts that the rates allow; starts: when those who hold
-- the slots began, nil where nobody looked.
local function expected_start(u, every, limit, position, wait, pace, starts)
  local run = average_run(u)
  local turn = math.max(run or 1000, tonumber(every or 0) * limit)
  if not run then
    for _, start in ipairs(starts or {}) do
      turn = math.max(turn, now - start)
    end
  end
  local line = position * turn / limit
  if starts then
    local ends = {}
    for _, start in ipairs(starts) do
      ends[#ends + 1] = math.max(0, start + turn - now)
    end
    table.sort(ends)
    local slot = (position - 1) % limit + 1
    line = (ends[slot - limit + #ends] or 0) + math.floor((position - 1) / limit) * turn
  end
  return math.ceil(math.max(wait, line, position * pace))
end

-- How far apart rates keep the starts of a user in the long run, ms.
local function pace_of(rpm, emission)
  return math.max(rpm and 60000 / rpm or 0, emission and emission / 1000 or 0)
end

-- The bay goes back to the pool; records of copies in it are void from here on.
local function free_bay(lane, u, bay, generation)
  redis.call('HSET', P .. 'bays', bay, int(tonumber(generation) + 1) .. ' -')
  redis.call('SADD', P .. 'free', bay)
  redis.call('DEL', room_key(lane, u), P .. 'begun:' .. bay)
  redis.call('ZREM', P .. 'due:' .. lane, u)
  redis.call('ZREM', P .. 'lines:' .. lane, u)
  set_rooms(u, lane, false)
end

-- A bay's entry is '<generation> <lane>:<u>', or '<generation> -' while nobody has it.
local function bay_is_of(bay, generation)
  local entry = bay and generation and redis.call('HGET', P .. 'bays', bay)
  return entry and string.match(entry, '^%d+ ') == generation .. ' ' and string.sub(entry, -1) ~= '-'
end
