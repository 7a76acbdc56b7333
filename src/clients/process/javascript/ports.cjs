'use strict';
// Ports over which the script sends messages to itself. Node would wait for one that is listened to; in this world that
// is a matter of the loop, as time must pass meanwhile.

const { MessagePort } = require('node:worker_threads');
const loop = require('./loop.cjs');

function install() {
  const { close, postMessage, unref } = MessagePort.prototype;
  const held = new WeakSet();
  const letGo = (port) => {
    if (held.delete(port)) loop.release();
  };
  MessagePort.prototype.postMessage = function (...values) {
    loop.stir();
    return postMessage.apply(this, values);
  };
  MessagePort.prototype.ref = function () {
    if (!held.has(this)) loop.hold();
    held.add(this);
  };
  MessagePort.prototype.unref = function () {
    letGo(this);
    unref.call(this);
  };
  MessagePort.prototype.hasRef = function () {
    return held.has(this);
  };
  MessagePort.prototype.close = function (...values) {
    letGo(this);
    return close.apply(this, values);
  };
}

module.exports = { install };
//# sourceURL=perfidy:ports
