-- wrk -s requests.lua URL -- MODE RUN FILE: sends the requests of FILE, one a line; prints JSON.
--
-- FILE has lines "learner <tab> course <tab> video <tab> etag", escaped for an address.
-- cached: the lines round and round; same: with If-None-Match; made: other options each time;
-- mixed: 80 of 100 a path, 15 an event, 5 a mastery; plain: the URL as it is.
-- RUN makes the ids of events unlike those of other runs.

local mode, run
local lines, at, sent = {}, 0, 0

function init(args)
  mode, run = args[1], args[2]
  if mode == "plain" then return end
  for line in io.lines(args[3]) do
    local learner, course, video, etag = line:match("^(.-)\t(.-)\t(.-)\t(.*)$")
    lines[#lines + 1] = {learner, course, video, etag}
  end
  math.randomseed(tonumber(run))
end

local function path(line, more)
  return "/v1/learners/" .. line[1] .. "/path?course_id=" .. line[2] .. (more or "")
end

function request()
  sent = sent + 1
  if mode == "plain" then return wrk.format("GET") end
  at = at % #lines + 1
  local line = lines[at]
  if mode == "cached" then return wrk.format("GET", path(line)) end
  if mode == "same" then
    return wrk.format("GET", path(line), {["If-None-Match"] = line[4]})
  end
  if mode == "made" then
    local round = math.floor((sent - 1) / #lines)
    local options = "&length=" .. (3 + round % 6) .. "&neighbours=" .. (8 + math.floor(round / 6) % 8)
    return wrk.format("GET", path(line, options))
  end
  line = lines[math.random(#lines)]
  local kind = math.random(100)
  if kind <= 80 then return wrk.format("GET", path(line)) end
  if kind <= 85 then
    return wrk.format("GET", "/v1/learners/" .. line[1] .. "/mastery?course_id=" .. line[2])
  end
  local event = string.format(
    '{"event_id":"%s-%d","learner_id":"%s","item_id":"%s","share":%.3f}',
    run, sent, line[1], line[3], math.random())
  return wrk.format("POST", "/v1/events", {["Content-Type"] = "application/json"}, event)
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "p999": %.3f, "max": %.3f,'
    .. ' "errors": %d, "not_2xx_3xx": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3, latency.max / 1e3,
    e.connect + e.read + e.write + e.timeout, e.status))
end
