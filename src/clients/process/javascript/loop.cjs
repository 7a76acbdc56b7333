'use strict';
// When something runs. Node says by itself when it has nothing more to do: promises, ticks, and the work of its
// thread pool (files, imports, zlib, crypto) are all done, and it would end. Only then the next task of this world is
// run: a callback of `setImmediate`, of a connection or of a timer, one at a time. If there is none, the script waits
// for perfidy. So what runs is never a matter of how fast the machine is.

const { setImmediate } = require('node:timers');
const { inspect } = require('node:util');
const { clock, say, wait, end } = require('./channel.cjs');

const tasks = [];
const timers = [];
let holds = 0;
let timersMade = 0;
let unsettled = 0;

/** Runs a task when all that runs now has come to rest. */
function post(task) {
  tasks.push(task);
}

/** The process does not end while something holds it. */
function hold() {
  holds += 1;
}

function release() {
  holds -= 1;
}

function isBefore(one, other) {
  return one.due < other.due || (one.due === other.due && one.order < other.order);
}

/** Calls a function at a time. What it returns is for `cancel`. */
function at(due, call) {
  const timer = { due, call, order: (timersMade += 1), isSet: true };
  let place = timers.length;
  timers.push(timer);
  while (place > 0) {
    const above = (place - 1) >> 1;
    if (isBefore(timers[above], timer)) break;
    timers[place] = timers[above];
    place = above;
  }
  timers[place] = timer;
  return timer;
}

/** One that is cancelled is taken out when its turn comes. */
function cancel(timer) {
  timer.isSet = false;
}

function takeTimer() {
  const first = timers[0];
  const last = timers.pop();
  if (timers.length === 0) return first;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    if (below >= timers.length) break;
    if (below + 1 < timers.length && isBefore(timers[below + 1], timers[below])) below += 1;
    if (isBefore(last, timers[below])) break;
    timers[place] = timers[below];
    place = below;
  }
  timers[place] = last;
  return first;
}

function nextDue() {
  while (timers.length > 0 && !timers[0].isSet) takeTimer();
  return timers.length > 0 ? timers[0].due : null;
}

/** The next task; none if nothing is left that could come. */
function nextTask() {
  for (;;) {
    if (tasks.length > 0) return tasks.shift();
    if (holds === 0) return null;
    const due = nextDue();
    if (due !== null && due <= clock.monotonic) {
      const timer = takeTimer();
      timer.isSet = false;
      return timer.call;
    }
    wait(due);
  }
}

/** Something is under way of which Node does not know when it ends by itself: it comes in one of the next turns. */
function stir() {
  unsettled = 2;
}

function turn() {
  if (unsettled > 0) {
    unsettled -= 1;
    return;
  }
  const task = nextTask();
  if (task !== null) task();
}

/** Lets time pass and nothing else happen, as a call does that blocks. */
function sleep(nanos) {
  const due = clock.monotonic + nanos;
  while (clock.monotonic < due) wait(due);
}

/** Tells of an error that ends the script: Node would write it to a stream that is not there. What it is comes once more as
 * the last line, which is shown of what a script has printed. */
function tell(error) {
  const text = inspect(error);
  say('print', 'stderr', `${text}\nUncaught ${text.split('\n', 1)[0]}`);
}

/** What Node says of its own end is heard here first. */
function install() {
  const emit = process.emit;
  const last = process.reallyExit;
  let isOver = false;
  process.reallyExit = (status) => {
    if (isOver) last.call(process, 70);
    isOver = true;
    end(Number(status ?? process.exitCode ?? 0));
  };
  const replaced = function (name, ...values) {
    const hasWork = () => name === 'beforeExit' && (tasks.length > 0 || holds > 0);
    const isIdle = hasWork();
    const wasHeard = isIdle || Reflect.apply(emit, this, [name, ...values]);
    // Also if what hears of the end begins something new.
    if (isIdle || hasWork()) setImmediate(turn);
    if (name === 'uncaughtException' && !wasHeard) tell(values[0]);
    if (name === 'exit') process.reallyExit(process.exitCode ?? values[0]);
    return wasHeard;
  };
  Object.defineProperty(process, 'emit', { value: replaced, writable: true, configurable: true });
}

module.exports = { post, hold, release, at, cancel, stir, sleep, install };
//# sourceURL=perfidy:loop
