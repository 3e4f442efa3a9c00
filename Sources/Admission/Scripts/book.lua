-- book: billing says what the ledger holds for a user's month, and which events are in those sums. Both at once: an
-- event is never counted twice and never not at all.
-- KEYS  1  prefix
-- ARGV  1  user (base64url)
--       2  month: '2026-11'
--       3  number of the month's last row; sums of an older or the same row are not taken over
--       4  base: '<nano-USD> <tokens> <audio ms> <video ms> <jobs>'
--       5  and on: event ids that are in the base, some hundreds at most; what they have open is dropped
-- RETURNS  1 something changed, 0 not
-- Who waits for money or quota is looked at again when something changed. Repeating it changes nothing.

local u, m = ARGV[1], ARGV[2]
local money = P .. 'money:' .. u
local changed = false

if tonumber(ARGV[3]) > tonumber(redis.call('HGET', money, m .. ':row') or 0) then
  redis.call('HSET', money, m .. ':row', ARGV[3], m .. ':base', ARGV[4])
  -- A month so long gone that nothing of it can still be running.
  local gone = month(now - 100 * 86400000)
  redis.call('HDEL', money, gone .. ':row', gone .. ':base', gone .. ':open')
  redis.call('PEXPIRE', money, MONEY_TTL)
  changed = true
end
-- All entries in one look each way: a heavy user has hundreds in a batch. An id may stand there twice.
local entries = #ARGV > 4 and redis.call('HMGET', P .. 'open:' .. u, unpack(ARGV, 5)) or {}
local dropped, seen, sums = {}, {}, {}
for index, entry in ipairs(entries) do
  local event = ARGV[index + 4]
  if entry and not seen[event] then
    seen[event] = true
    dropped[#dropped + 1] = event
    local of, figures = string.sub(entry, 1, 7), five(string.sub(entry, 9))
    sums[of] = sums[of] or {0, 0, 0, 0, 0}
    for figure = 1, 5 do
      sums[of][figure] = sums[of][figure] + figures[figure]
    end
  end
end
if #dropped > 0 then
  redis.call('HDEL', P .. 'open:' .. u, unpack(dropped))
  for of, figures in pairs(sums) do
    add_to_open(u, of, figures, -1)
  end
  changed = true
end
if not changed then
  return 0
end
for _, lane in ipairs(rooms_of(u)) do
  local why = redis.call('HGET', room_key(lane, u), 'why')
  if why == 'money_reserved' or why == 'quota_reserved' then
    redis.call('HSET', room_key(lane, u), 'gate', 0)
    arm(lane, u)
  end
end
return 1
