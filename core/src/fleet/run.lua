-- The last part of the script: the members, which are the processes that share the limit, and what one run does.

-- Members -------------------------------------------------------------------------------------------------------------

local function own()
  local kept, found = {}, nil
  for _, other in ipairs(state.members) do
    if other.name == member then found = other end
    -- If no process has asked for a while, the server could not be reached. The other processes may return, so they
    -- stay members for now.
    local may_return = state.heard_again + 10 * silent_after > state.last
    if other.name == member or may_return or other.heard + lease > state.last then kept[#kept + 1] = other end
  end
  if not found then
    found = { name = member, heard = 0, call = 0, want = 0, due = 0, served = 0, share = 0, alone = 0, active = 0 }
    kept[#kept + 1] = found
  end
  state.members = kept
  return found
end

local function waits(other)
  return other.name ~= member and other.want > 0 and state.last <= other.due + grace
end

-- Returns how many requests of other processes go before the `nth` request of this run, so that all processes that wait
-- take turns.
local function claimed(me, nth)
  local sum = 0
  for _, other in ipairs(state.members) do
    if waits(other) then
      local ahead = other.served < me.served or (other.served == me.served and other.name < me.name)
      sum = sum + math.min(other.want, ahead and nth or nth - 1)
    end
  end
  return sum
end

-- Returns how many requests are kept free for processes that do not reach this server: a fixed number for those without
-- a share, and the share of each process that fell silent while it had requests in flight or waiting.
local function reserved()
  local sum = kept_free
  for _, other in ipairs(state.members) do
    local silent = other.heard + silent_after < state.last and other.active == 1
    -- A process that asks with `alone` went on without the server, and uses its share until its next question.
    if silent or other.alone == 1 then sum = sum + other.share end
  end
  return sum
end

-- Moves ---------------------------------------------------------------------------------------------------------------

local function to_hex(bytes)
  return (string.gsub(bytes, '.', function(byte) return string.format('%02x', string.byte(byte)) end))
end

local function of_hex(digits)
  return (string.gsub(digits, '%x%x', function(byte) return string.char(tonumber(byte, 16)) end))
end

-- Returns the entries of a list without those of this name and without those from before `since`.
local function without(list, name, since)
  local kept = {}
  for _, entry in ipairs(list) do
    if entry.name ~= name and entry.at > since then kept[#kept + 1] = entry end
  end
  return kept
end

local function has(list, field, value)
  for _, entry in ipairs(list) do
    if entry[field] == value then return true end
  end
  return false
end

-- How long a state that was left may still count, in microseconds. The old place hands the state on for this long. The
-- new place remembers for twice this long that it has absorbed the state.
local left_counts = math.max(forget_after, 2 * quota.span)

-- The run -------------------------------------------------------------------------------------------------------------

local kept = redis.call('GET', key)
local to, id, at, left
if kept then to, id, at, left = string.match(kept, '^moved (%S+) ?(%S*) ?(%S*) ?(%S*)$') end
if operation == 'settle' then
  number()
  if to and id == text() then redis.call('SET', key, 'moved ' .. to) end
  return { 'settled' }
end
if to then
  if id ~= '' and at + left_counts > clock then return { 'moved', to, id, left } end
  return { 'moved', to }
end

state = kept and read(kept)
-- Forgets a state from the future. After the clock was set back far, the state would stop all requests until the clock
-- has caught up.
if state and state.last > clock + state.span then state = nil end
local lost = not state or state.server ~= server
if not state then state = empty() end
local used = state.last
local now = settle(clock)
if used + silent_after < now then state.heard_again = now end
forget(now)
if not lost and is_over(now, used) then
  local before = state
  state = empty()
  for _, name in ipairs({ 'members', 'changes', 'expected', 'absorbed' }) do state[name] = before[name] end
  state.last = now
end
state.expected = without(state.expected, nil, now - left_counts)
state.absorbed = without(state.absorbed, nil, now - 2 * left_counts)
if quota.requests < state.requests or quota.span > state.span then
  state.requests = math.min(state.requests, quota.requests)
  state.span = math.max(state.span, quota.span)
end
state.allowed = math.min(state.allowed, state.requests)

local me = own()
-- Refuses a call that arrives after a later call of the same process. The process has given up the earlier call.
if operation == 'ask' and call <= me.call then return { 'late' } end
local last_change = number()
if lost or last_change > state.changes then
  -- If neither the server nor this process knows a state, the limit may be new. If there was a state, the server lost
  -- it at least `unlost` ago.
  count_as_full(now, now - ((kept or last_change > 0) and 0 or unlost))
  state.changes = math.max(state.changes, last_change)
end
state.changes = state.changes + 1

local function keep()
  redis.call('SET', key, write())
end

if operation == 'expect' then
  local from = text()
  state.expected = without(state.expected, from, 0)
  table.insert(state.expected, { name = from, at = now })
  keep()
  return { 'expected' }
end

if operation == 'leave' then
  local here, there = text(), text()
  -- The limit does not move to a place that has moved here meanwhile. If two places expect each other, the place with
  -- the lower name stays.
  local stays = here < there and has(state.expected, 'name', there)
  if stays or has(state.absorbed, 'from', there) then return { 'first', there } end
  state.expected = without(state.expected, there, 0)
  local name, all = member .. '-' .. string.format('%.0f', call), to_hex(write())
  -- Keeps the state here until the new place has absorbed it, because this process may die before that.
  redis.call('SET', key, 'moved ' .. there .. ' ' .. name .. ' ' .. string.format('%.0f', now) .. ' ' .. all)
  return { 'left', name, all }
end

if operation == 'absorb' then
  local from, name, there = text(), text(), text()
  state.expected = without(state.expected, from, 0)
  there = name ~= '-' and not has(state.absorbed, 'name', name) and read(of_hex(there))
  if there then
    absorb(now, there)
    for _, list in ipairs({ 'expected', 'absorbed' }) do
      for _, entry in ipairs(there[list]) do table.insert(state[list], entry) end
    end
    table.insert(state.absorbed, { name = name, from = from, at = now })
  end
  keep()
  return { 'absorbed' }
end

-- Grants nothing while a limit is on the move to this place. The process that moves it may have died, so the reply
-- tells this process to move it.
if state.expected[1] then return { 'first', state.expected[1].name } end

me.heard, me.call, me.share = now, call, number()
local want, want_some, waiting = number(), number(), number()
me.alone = number()
local is_new_connection, carried_flying, carried_ended = number(), number(), number()
local held = {}
for _ = 1, number() do held[number()] = true end
for _ = 1, number() do
  local id, how, retry_after, jitter = number(), text(), number(), number()
  end_of(now, id, how, retry_after, jitter)
end
if is_new_connection == 1 then
  -- Ends grants that this process does not know: the answer with them was lost with the earlier connection.
  for index = #state.leases, 1, -1 do
    local other = state.leases[index]
    if other.member == member and not held[other.id] then end_of(now, other.id, 'unsent', 0, 0) end
  end
end
for _ = 1, carried_flying do
  state.flying = state.flying + 1
  linger_until(now + state.span)
end
for _ = 1, carried_ended do
  state.flying = state.flying + 1
  ended(now)
end

if want + want_some > 0 and (me.want == 0 or now > me.due + grace) then
  -- A process that begins to wait gets at least the lowest number of served requests among the waiting processes.
  -- Otherwise it would catch up on turns that it did not want.
  local fewest = NEVER
  for _, other in ipairs(state.members) do
    if waits(other) then fewest = math.min(fewest, other.served) end
  end
  if fewest < NEVER then me.served = math.max(me.served, fewest) end
end

local function opens(leaves_tenth, claims)
  local allowed = math.max(1, state.allowed - reserved())
  if leaves_tenth then allowed = allowed - math.floor(allowed / 10) end
  local from = math.max(now, state.closed_until)
  return window_opens(backoff_opens(from), state.flying + claims, allowed)
end

local ids, again = {}, NEVER
for nth = 1, want + want_some do
  local opens_at = opens(nth > want, claimed(me, nth))
  if opens_at > now then
    again = opens_at
    break
  end
  state.flying, state.granted = state.flying + 1, state.granted + 1
  state.leases[#state.leases + 1] =
    { id = state.next_id, ends = now + lease, at = now, epoch = state.epoch, member = member }
  state.epoch_flying = state.epoch_flying + 1
  ids[#ids + 1] = string.format('%.0f', state.next_id)
  state.next_id = state.next_id + 1
end
me.served = me.served + #ids
me.want = want + want_some - #ids
if me.want > 0 then
  local settles = state.lingering[1] or NEVER
  if state.leases[1] then settles = math.min(settles, state.leases[1].ends) end
  again = math.max(now + 1000, math.min(again, settles, now + look))
  me.due = again
end
me.active = me.want > 0 and 1 or 0
for _, held in ipairs(state.leases) do
  if held.member == member then me.active = 1 end
end
keep()

local all_waiting = waiting
for _, other in ipairs(state.members) do
  if waits(other) then all_waiting = all_waiting + other.want end
end
local function whole(value) return string.format('%.0f', value) end
return {
  'asked', whole(me.want > 0 and again - now or 0), whole(math.max(0, state.closed_until - now)), whole(state.changes),
  whole(state.requests), whole(state.allowed), whole(state.flying), whole(recent(now)), whole(#state.members),
  whole(all_waiting), whole(state.refused), whole(state.cuts), lost and '1' or '0', unpack(ids),
}
