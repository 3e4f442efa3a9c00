-- For wrk: a job of its own for each request, of 1,000 users in turn. Arguments behind `--`: the beginning of the ids, and
-- the secret of a key. Its last line is one JSON object with what `doors.py` reads.

local number, start = 0, ""

function init(arguments)
  start = arguments[1]
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. arguments[2]
end

function request()
  number = number + 1
  local body = string.format(
    '{"id":"%s-%d","userId":"user-%d","userTier":"tier3","taskType":"tts","seriesId":"bench",' ..
      '"payload":{"text":"Every night its lamp turned, and the ships found their way.","format":"wav"}}',
    start, number, number % 1000)
  return wrk.format(nil, nil, nil, body)
end

function done(summary, latency)
  local wrong = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"wrong":%d,"p50":%d,"p99":%d}\n', summary.requests, summary.duration,
    wrong.connect + wrong.read + wrong.write + wrong.status + wrong.timeout, latency:percentile(50),
    latency:percentile(99)))
end
