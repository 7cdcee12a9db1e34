/**
 * The Lua scripts of the Redis store. Each is one round trip, and Redis runs one script at a time, so each is atomic.
 *
 * `clock` is one sorted set, so that it can only be lost as a whole. The score of `tick` is the time of the last
 * invalidation, and the score of `=TAG` the time of the tag's last invalidation. The score of `floor` is the time up to
 * which markers may have been dropped; older entries count as invalidated. Times are microseconds of the server's
 * clock, or one more than the last time. `prefixes` is a hash of the invalidated prefixes. The score of `prefixes` in
 * `clock` is the time of the newest one, which shows when the hash was lost.
 */

const preamble = `
local clock, prefixes = KEYS[1], KEYS[2]
-- A write without effect, which a replica refuses: invalidations may not have come to it.
redis.call('ZREM', clock, '')

local function microseconds()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- Numbers as text keep only 14 digits otherwise.
local function text(number) return string.format('%.0f', number) end

local function read()
  local scores = redis.call('ZMSCORE', clock, 'tick', 'floor', 'prefixes')
  return tonumber(scores[1] or nil), tonumber(scores[2] or nil) or 0, tonumber(scores[3] or nil) or 0
end
`;

/**
 * Keys: the clock, the prefixes, then those of entries. Arguments: the time in Unix milliseconds, the milliseconds of a
 * refresh, the longest lifetime of entries in milliseconds. Returns the clock, then a list or null for each entry.
 */
export const lookScript = `${preamble}
local now, refreshTime, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local tick, floor, newestPrefix = read()
if not tick then
  tick = microseconds()
  floor = tick
  redis.call('ZADD', clock, text(tick), 'tick', text(tick), 'floor')
  redis.call('PEXPIRE', clock, longest)
end
local invalidPrefixes = {}
if newestPrefix > 0 then
  invalidPrefixes = redis.call('HGETALL', prefixes)
  if #invalidPrefixes == 0 then floor = math.max(floor, newestPrefix) end
end

local entries, markers, unknown = {}, {}, {}
for index = 3, #KEYS do
  local entry = redis.call('HMGET', KEYS[index], 'clock', 'tags', 'storedAt', 'freshUntil', 'keptUntil', 'refreshing')
  local since = tonumber(entry[1] or nil)
  if since and entry[5] and since >= floor and now < tonumber(entry[5]) then
    entries[index] = entry
    if since < tick then
      for tag in string.gmatch(entry[2], '[^%z]+') do
        if not markers[tag] then
          markers[tag] = 0
          unknown[#unknown + 1] = tag
        end
      end
    end
  end
end
for first = 1, #unknown, 1000 do
  local last = math.min(first + 999, #unknown)
  local scores = redis.call('ZMSCORE', clock, unpack(unknown, first, last))
  for index, score in ipairs(scores) do
    if score then markers[unknown[first + index - 1]] = tonumber(score) end
  end
end

local function isValid(entry)
  local since = tonumber(entry[1])
  if since >= tick then return true end
  for tag in string.gmatch(entry[2], '[^%z]+') do
    if markers[tag] > since then return false end
    for index = 1, #invalidPrefixes, 2 do
      local prefix = invalidPrefixes[index]
      if tonumber(invalidPrefixes[index + 1]) > since and string.sub(tag, 1, #prefix) == prefix then return false end
    end
  end
  return true
end

local answer = { text(tick) }
for index = 3, #KEYS do
  local entry = entries[index]
  if entry and isValid(entry) then
    local refresh = 0
    local claimed = tonumber(entry[6] or 0)
    -- A claim that lasts longer than one from now on is of a gateway whose clock is ahead.
    if now >= tonumber(entry[4]) and (now >= claimed or claimed > now + refreshTime) then
      refresh = 1
      redis.call('HSET', KEYS[index], 'refreshing', text(now + refreshTime))
    end
    answer[index - 1] = { redis.call('HGET', KEYS[index], 'value'), entry[2], entry[3], entry[4], entry[5], refresh }
  else
    answer[index - 1] = false
  end
end
return answer
`;

/**
 * Keys: as above. Arguments: the clock of the look-up, the longest lifetime of entries in milliseconds, then six for
 * each entry: value, tags, three times, and its lifetime in milliseconds.
 */
export const setScript = `${preamble}
local since, longest = tonumber(ARGV[1]), ARGV[2]
local tick, floor = read()
if not tick or since < floor then return 0 end
redis.call('PEXPIRE', clock, longest)
for index = 3, #KEYS do
  local known = redis.call('HGET', KEYS[index], 'clock')
  -- Who looked later may know better.
  if not known or tonumber(known) <= since then
    local first = 6 * (index - 3) + 3
    redis.call('DEL', KEYS[index])
    redis.call('HSET', KEYS[index], 'clock', ARGV[1], 'value', ARGV[first], 'tags', ARGV[first + 1],
      'storedAt', ARGV[first + 2], 'freshUntil', ARGV[first + 3], 'keptUntil', ARGV[first + 4])
    redis.call('PEXPIRE', KEYS[index], ARGV[first + 5])
  end
end
return 1
`;

/**
 * Keys: the clock, the prefixes. Arguments: the longest lifetime of entries in milliseconds, the most tags and the most
 * prefixes that are remembered, the channel and the message for other gateways, the number of tags, the tags, the
 * prefixes.
 */
export const invalidateScript = `${preamble}
local longest, maxTags, maxPrefixes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local channel, message, lastTag = ARGV[4], ARGV[5], 6 + tonumber(ARGV[6])
local time = microseconds()
local tick, floor, newestPrefix = read()
if not tick then floor = time end
tick = math.max(time, (tick or 0) + 1)

redis.call('ZADD', clock, text(tick), 'tick')
for index = 7, lastTag do redis.call('ZADD', clock, text(tick), ARGV[index]) end

if #ARGV > lastTag then
  if newestPrefix > 0 and redis.call('EXISTS', prefixes) == 0 then floor = math.max(floor, newestPrefix) end
  for index = lastTag + 1, #ARGV do redis.call('HSET', prefixes, ARGV[index], text(tick)) end
  while redis.call('HLEN', prefixes) > maxPrefixes do
    local all = redis.call('HGETALL', prefixes)
    local oldest = 1
    for index = 3, #all, 2 do
      if tonumber(all[index + 1]) < tonumber(all[oldest + 1]) then oldest = index end
    end
    floor = math.max(floor, tonumber(all[oldest + 1]))
    redis.call('HDEL', prefixes, all[oldest])
  end
  redis.call('ZADD', clock, text(tick), 'prefixes')
  redis.call('PEXPIRE', prefixes, text(2 * longest))
end

-- No entry is older than this, so no marker that is has anything to say.
floor = math.max(floor, time - longest * 1000)
redis.call('ZREMRANGEBYSCORE', clock, '-inf', '(' .. text(floor))
local surplus = redis.call('ZCARD', clock) - maxTags
if surplus > 0 then
  local dropped = redis.call('ZPOPMIN', clock, surplus)
  floor = math.max(floor, tonumber(dropped[#dropped]))
end
redis.call('ZADD', clock, text(floor), 'floor', text(tick), 'tick')
redis.call('PEXPIRE', clock, text(longest))
redis.call('PUBLISH', channel, message)
return 1
`;
