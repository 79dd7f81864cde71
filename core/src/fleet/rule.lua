-- The second part of the script: the rule of the limit. It uses neither the members nor the clock.

-- The window: requests in flight, and when others ended ---------------------------------------------------------------

local function total_before(index)
  return index > 0 and state.totals[index] or state.forgotten
end

local function total()
  return total_before(#state.totals)
end

local function log(at, sum)
  local count = #state.ends_at
  local index = state.ends_at[count] == at and count or count + 1
  state.ends_at[index], state.totals[index] = at, sum
end

local function ended(now)
  state.flying = math.max(0, state.flying - 1)
  log(now, total() + 1)
end

-- Returns how many entries of an ascending list are at most `most`.
local function until_(list, most)
  local low, high = 0, #list
  while low < high do
    local middle = math.floor((low + high) / 2) + 1
    if list[middle] <= most then low = middle else high = middle - 1 end
  end
  return low
end

local function recent(now)
  return total() - total_before(until_(state.ends_at, now - state.span - 1))
end

local function forget(now)
  local stale = until_(state.ends_at, now - 2 * state.span)
  if stale == 0 then return end
  state.forgotten = total_before(stale)
  local ends_at, totals = {}, {}
  for index = stale + 1, #state.ends_at do
    ends_at[#ends_at + 1], totals[#totals + 1] = state.ends_at[index], state.totals[index]
  end
  state.ends_at, state.totals = ends_at, totals
end

-- Returns when one more request may be sent. The method `Window::earliest` explains the steps.
local function window_opens(from, flying, allowed)
  local room, span, sum = allowed - flying - 1, state.span, total()
  if room < 0 then return NEVER end
  if sum - state.forgotten <= room then return from end
  local ends_at = state.ends_at
  local blocker = until_(state.totals, sum - room - 1)
  local t = math.max(from, (ends_at[blocker + 1] or NEVER) + span + 1)
  local a, b = until_(ends_at, t - span), until_(ends_at, t - 2 * span)
  while true do
    local by_end, by_shift = ends_at[a + 1] or NEVER, (ends_at[b + 1] or NEVER) + span
    local s = math.min(by_end, by_shift)
    if s > t then return t end
    local before = total_before(a)
    local left, previous, age = room - (sum - before), before - total_before(b), t - s
    if age < span and (left < 0 or previous * (span - age) > left * span) then
      t = s + span - (left < 0 and 0 or math.min(math.floor(left * span / math.max(previous, 1)), span))
    end
    if by_end == s then a = a + 1 end
    if by_shift == s then b = b + 1 end
  end
end

-- Recovery and back-off -----------------------------------------------------------------------------------------------

-- Returns height * (part / whole)^3, rounded down as `recovery::cubed` does.
local function cubed(height, part, whole)
  local fraction = math.min(math.floor(part * 1048576 / math.max(whole, 1)), 67108864)
  local square = math.floor(fraction * fraction / 1048576)
  return math.floor(height * math.floor(square * fraction / 1048576) / 1048576)
end

local function level()
  local reach = 3 * window
  local climb = reach * 2 ^ state.met
  local height = math.max(0, state.ceiling - state.base)
  if state.clean <= climb then
    return math.max(0, state.ceiling - cubed(height, climb - state.clean, climb) - 1)
  end
  return state.ceiling + cubed(math.max(height, 8), state.clean - climb, reach)
end

local function seven_tenths(requests)
  return math.max(1, math.floor(requests * 7 / 10))
end

local function begin_epoch(used, refused, succeeded)
  state.burst_used, state.burst_refused, state.burst_succeeded = used, refused, succeeded
  state.epoch, state.epoch_flying, state.successes = state.epoch + 1, 0, 0
end

local function backoff_opens(from)
  local now = math.max(from, state.closed_until)
  local beyond = state.epoch == 0 and 0 or math.max(0, state.epoch_flying - state.successes)
  local doublings = 0
  while beyond >= 2 ^ doublings do doublings = doublings + 1 end
  return beyond == 0 and now or math.max(now, state.closed_until + doublings * pause)
end

local function epoch_ends(epoch)
  if epoch == state.epoch then state.epoch_flying = math.max(0, state.epoch_flying - 1) end
end

-- Lowers the limit again once the answers to requests from before the last cut show how many the server accepts.
local function learn()
  local through = state.burst_used - state.burst_refused
  local enough = state.burst_succeeded == 1
    and state.burst_refused >= math.max(math.floor(state.burst_used / 4), 8)
  if enough and through > 0 and state.recovering == 1 then
    state.allowed = math.min(state.allowed, seven_tenths(through))
    state.base, state.ceiling = math.min(state.base, state.allowed), math.min(state.ceiling, through)
  end
end

local function succeeded(now, epoch)
  epoch_ends(epoch)
  state.refusing_since = -1
  if epoch ~= state.epoch then
    if epoch + 1 == state.epoch then
      state.burst_succeeded = 1
      learn()
    end
    return
  end
  state.successes, state.in_a_row = state.successes + 1, 0
  if state.recovering == 1 then
    local open = math.max(0, now - state.closed_until)
    state.clean = math.min(state.clean + math.floor(window / math.max(state.allowed, 1)), open)
    state.allowed = math.min(math.max(state.allowed, level()), state.requests)
    if state.allowed == state.requests then state.recovering = 0 end
  end
end

local function cut(used)
  local was = state.allowed
  local nothing_succeeded, succeeded_before = state.successes == 0, state.successes > 0 and 1 or 0
  if state.recovering == 0 then
    state.allowed, state.ceiling, state.met = seven_tenths(was), was, 0
  elseif nothing_succeeded then
    state.allowed = seven_tenths(was)
  else
    local refused = math.min(was, math.max(used, math.floor(was / 2)))
    local ceiling = refused - math.floor(refused / 16)
    local is_new = ceiling > state.ceiling + math.floor(state.ceiling / 8)
    state.met = is_new and 0 or math.min(state.met + 1, 3)
    state.allowed, state.ceiling = seven_tenths(refused), ceiling
  end
  state.base, state.clean, state.recovering = state.allowed, 0, 1
  begin_epoch(used, 1, succeeded_before)
end

local function refused(now, epoch, retry_after, jitter)
  local lately = now <= state.closed_until + math.floor(hopeless_after / 3)
  if state.refusing_since < 0 or not lately then state.refusing_since = now end
  state.refused = state.refused + 1
  local cuts = epoch == state.epoch
  if cuts then
    cut(state.flying + recent(now))
    state.cuts = state.cuts + 1
  elseif epoch + 1 == state.epoch then
    state.burst_refused = state.burst_refused + 1
    learn()
  end
  local closed_for = retry_after
  if retry_after <= 0 then
    local random = pause + math.floor(pause * jitter / 4294967296)
    closed_for = cuts and math.min(random * 2 ^ math.min(state.in_a_row, 20), longest_pause) or 0
  end
  if closed_for > 0 then state.closed_until = math.max(state.closed_until, now + closed_for) end
  if cuts then state.in_a_row = state.in_a_row + 1 end
end

-- Requests ------------------------------------------------------------------------------------------------------------

local function linger_until(due)
  local index = until_(state.lingering, due)
  table.insert(state.lingering, index + 1, due)
end

local function settle(now)
  state.last = math.max(state.last, now)
  if state.lost > 0 and state.lost_until <= state.last then
    state.flying = math.max(0, state.flying - state.lost)
    log(state.lost_until, total() + state.lost)
    state.lost = 0
  end
  while state.lingering[1] and state.lingering[1] <= state.last do
    table.remove(state.lingering, 1)
    ended(state.last)
  end
  while state.leases[1] and state.leases[1].ends <= state.last do
    table.remove(state.leases, 1)
    ended(state.last)
  end
  return state.last
end

-- Removes and returns the lease of a request. A request without a known lease is first counted as in flight again, so
-- that its end is not subtracted from other requests.
local function take(id)
  for index, held in ipairs(state.leases) do
    if held.id == id then return table.remove(state.leases, index) end
  end
  state.flying = state.flying + 1
  return { at = 0, epoch = -1 }
end

local function end_of(now, id, how, retry_after, jitter)
  local held = take(id)
  if how == 'seen' then
    ended(now)
    succeeded(now, held.epoch)
  elseif how == 'unsent' then
    state.flying = math.max(0, state.flying - 1)
    epoch_ends(held.epoch)
    state.granted = math.max(0, state.granted - 1)
  elseif how == 'refused' then
    ended(now)
    refused(now, held.epoch, retry_after, jitter)
  else
    epoch_ends(held.epoch)
    local unanswered = math.min(now - held.at, longest_unanswered)
    linger_until(now + (how == 'brief' and brief or math.max(unanswered + brief, state.span)))
  end
end

-- Fills the limit until a window after `since`. The state was lost at `since` or before, and requests that it counted
-- may still be in flight.
local function count_as_full(now, since)
  state.flying = state.flying - state.lost + state.allowed
  state.lost = state.allowed
  state.lost_until = math.max(state.lost_until, since + state.span)
  settle(now)
end

local function is_over(now, used)
  return state.flying == 0 and state.closed_until <= now and used + math.max(forget_after, 2 * state.span) <= now
end

-- Takes over the state `there` of another key's limit, because both keys belong to the same workspace.
local function absorb(now, there)
  for _ = 1, there.flying - there.lost do
    state.flying = state.flying + 1
    linger_until(now + state.span)
  end
  if there.lost > 0 then count_as_full(now, there.lost_until - state.span) end
  local all = {}
  for _, one in ipairs({ state, there }) do
    local before = one.forgotten
    for index, at in ipairs(one.ends_at) do
      all[#all + 1] = { at = math.min(at, now), number = one.totals[index] - before }
      before = one.totals[index]
    end
  end
  table.sort(all, function(one, other) return one.at < other.at end)
  local sum = state.forgotten
  state.ends_at, state.totals = {}, {}
  for _, entry in ipairs(all) do
    sum = sum + entry.number
    log(entry.at, sum)
  end
  if there.allowed < state.allowed then
    for _, name in ipairs({ 'allowed', 'recovering', 'base', 'ceiling', 'met', 'clean' }) do
      state[name] = there[name]
    end
  end
  if there.closed_until > now then
    state.closed_until = math.max(state.closed_until, there.closed_until)
    begin_epoch(0, 0, 0)
  end
end
