-- rest: a job waits without having asked for admission, because all that could do it rests, or because it is not yet due.
-- Whoever asks for it next undoes that.
-- KEYS  1  prefix
-- ARGV  1  job id           2  user (base64url)   3  digest             4  lane
--       5  instant at which it may go on at the earliest, ms
--       6  reason           7  how long an unfinished job is kept, ms
--       8  what was passed over, for the eyes of people                        9  task type
--      10  labels, for keep_labels                11  run that this message replays, or ''
-- RETURNS  1 it waits, 0 it was left alone: it runs, has ended, or is another body or user under this id
-- A run that ended and that this message replays is forgotten, as admit does: the job waits for its next one.

local job_key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', job_key, 'state', 'user', 'digest', 'lane', 'why', 'at', 'run')
local state = job[1]
local is_replay = state == 'done' and ARGV[11] ~= '' and ARGV[11] == job[7]
local is_over = state == 'running' or (state == 'done' and not is_replay)
if state and (is_over or job[2] ~= ARGV[2] or job[3] ~= ARGV[3]) then
  return 0
end
if is_replay then
  redis.call('DEL', job_key, P .. 'output:' .. ARGV[1])
elseif state == 'waiting' then
  count_wait(job[4], job[5], -1, ARGV[2])
end
count_wait(ARGV[4], ARGV[6], 1, ARGV[2])
redis.call('HSET', job_key, 'state', 'waiting', 'user', ARGV[2], 'digest', ARGV[3], 'lane', ARGV[4], 'why', ARGV[6],
  'until', ARGV[5], 'trail', ARGV[8], 'task', ARGV[9], 'at', state == 'waiting' and job[6] or now)
keep_labels(job_key, ARGV[10])
redis.call('PEXPIRE', job_key, ARGV[7])
return 1
