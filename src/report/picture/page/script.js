(() => {
  "use strict";
  const one = (query, root = document) => root.querySelector(query);
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const list = one("#rows"), dock = one("#dock");
  if (!list) return;
  const details = JSON.parse(one("#details").textContent);
  const rows = all("li.row", list);
  // What is read again and again of each row.
  const depths = rows.map(row => Number(row.dataset.d)), times = rows.map(row => Number(row.dataset.at));
  const place = new Map(rows.map((row, at) => [row, at]));
  const picture = one(".picture");
  const graphs = all("svg.graph");
  const moving = graphs.map(graph => ({
    graph,
    marks: all("[data-r]", graph).map(mark =>
      ({ mark, r: mark.dataset.r, x: mark.dataset.x, token: mark.classList.contains("token") })),
    bars: all("rect[data-a]", graph),
    paths: all("path[data-a]", graph).map(path => ({ path, ...path.dataset, led: path.classList.contains("led") })),
    lives: all(".life", graph),
  }));
  const filters = all("select[data-filter]");
  const parting = one(".parting", list), narrow = matchMedia("(max-width:62rem)");
  const opened = new Set();
  let current = null;
  // So many rows are shown at once, and so many more when a fold is opened: more would make the page slow.
  const LIMIT = 1000, PORTION = 200;

  // For each row whether it is asked for.
  const wanted = () => {
    const depth = Number(one("input[name=depth]:checked").value);
    const chosen = filters.filter(filter => filter.value !== "").map(filter => [filter.dataset.filter, filter.value]);
    return rows.map((row, at) => opened.has(row) || (depths[at] <= depth &&
      chosen.every(([of, value]) => row.dataset[of].split(" ").includes(value))));
  };

  const fold = (hidden, silence) => {
    const item = document.createElement("li");
    item.className = "fold";
    const words = hidden.length === 0 ? "" : hidden.length === 1 ? "1 event folded" : hidden.length + " events folded";
    const text = [words, silence].filter(Boolean).join(", ");
    if (hidden.length === 0) {
      item.append(Object.assign(document.createElement("span"), { textContent: "… " + text }));
      return item;
    }
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "⋯ " + text });
    button.addEventListener("click", () => {
      hidden.slice(0, PORTION).forEach(row => opened.add(row));
      lay();
      (one("a:not([hidden])", hidden[0]) || button).focus();
    });
    item.append(button);
    return item;
  };

  const span = ms => ms < 1000 ? ms + " ms" : ms < 60000 ? (ms / 1000).toFixed(1) + " s" :
    Math.floor(ms / 60000) + " min " + Math.round(ms % 60000 / 1000) + " s";

  const arrow = (x1, y1, x2, y2) => {
    const dx = x2 - x1, dy = y2 - y1, length = Math.max(Math.hypot(dx, dy), 1), ux = dx / length, uy = dy / length;
    const tx = x2 - ux * 4, ty = y2 - uy * 4;
    const corner = side => (tx - ux * 7 - uy * side).toFixed(1) + " " + (ty - uy * 7 + ux * side).toFixed(1);
    const tip = tx.toFixed(1) + " " + ty.toFixed(1);
    return `M${x1} ${y1}L${tip}M${corner(3.5)}L${tip}L${corner(-3.5)}`;
  };

  // On a narrow page only one of two runs is shown: what only the other has is no row of it.
  const isAbsent = row => narrow.matches && picture.classList.contains("two") &&
    !one(picture.classList.contains("show-there") ? "a.there" : "a.here", row);

  // Leaves out what is furthest from where the reader is, or from the violation.
  const near = shown => {
    const places = rows.map((row, at) => at).filter(at => shown[at]);
    if (places.length <= LIMIT) return shown;
    const focus = current?.closest("li") || all(".bad-row", list).pop(), middle = place.get(focus) || 0;
    const order = at => (opened.has(rows[at]) ? 0 : depths[at]) * rows.length + Math.abs(at - middle);
    const kept = new Set(places.sort((one, other) => order(one) - order(other)).slice(0, LIMIT));
    return shown.map((is, at) => kept.has(at));
  };

  // Shows the rows that are asked for, and moves everything that is drawn to where its row is.
  const lay = () => {
    all(".fold", list).forEach(item => item.remove());
    const absent = rows.map(isAbsent), asked = wanted().map((is, at) => is && !absent[at]), shown = near(asked);
    let hidden = [], before = null;
    rows.forEach((row, at) => {
      if (row.hidden === shown[at]) row.hidden = !shown[at];
      if (absent[at]) return;
      if (!shown[at]) return hidden.push(row);
      const gap = before === null ? 0 : times[at] - before;
      if (hidden.length || gap >= 2000) row.before(fold(hidden, gap >= 1000 ? span(gap) + " pass" : ""));
      before = times[at];
      hidden = [];
    });
    if (hidden.length) list.append(fold(hidden, ""));
    const apart = rows.find((row, at) => shown[at] && row.classList.contains("apart"));
    if (parting) parting.hidden = !apart;
    if (parting && apart) apart.before(parting);
    const end = list.scrollHeight, heights = new Array(rows.length);
    let next = end;
    for (let at = rows.length - 1; at >= 0; at--) {
      if (shown[at]) {
        heights[at] = rows[at].offsetTop + rows[at].offsetHeight / 2;
        next = rows[at].offsetTop;
      } else heights[at] = next;
    }
    // What stays hidden is not touched: most of a long run does.
    const show = (element, is) => {
      const was = !element.hasAttribute("visibility");
      if (is && !was) element.removeAttribute("visibility");
      if (!is && was) element.setAttribute("visibility", "hidden");
      return is;
    };
    for (const { graph, marks, bars, paths, lives } of moving) {
      graph.setAttribute("height", end);
      lives.forEach(life => life.setAttribute("y2", end));
      for (const { mark, r, x, token } of marks) {
        if (show(mark, shown[r] || token)) mark.setAttribute("transform", `translate(${x} ${heights[r]})`);
      }
      for (const bar of bars) {
        const top = heights[bar.dataset.a], bottom = bar.dataset.z ? heights[bar.dataset.z] : end;
        bar.setAttribute("y", top);
        bar.setAttribute("height", Math.max(bottom - top, 0));
      }
      for (const { path, a, z, x, y, led } of paths) {
        if (!show(path, shown[a] && shown[z])) continue;
        path.setAttribute("d", led ? `M${x} ${heights[a]}L${y} ${heights[z]}` : arrow(+x, heights[a], +y, heights[z]));
      }
    }
    const count = which => which.filter(Boolean).length, left = count(asked) - count(shown);
    one("#count").textContent = count(shown) + " of " + rows.length + " rows shown" +
      (left ? "; " + left + " more are folded, furthest from here" : count(shown) ? "" : ": no event is of all that is chosen");
  };

  const link = (side, event) => document.getElementById(side + event);
  const reveal = cell => {
    const row = cell.closest("li");
    if (row.hidden) {
      opened.add(row);
      lay();
    }
    if (cell.offsetParent === null) {
      picture.classList.toggle("show-there", cell.id[0] === "n");
      all(`input[name=side][value=${cell.id[0]}]`).forEach(input => { input.checked = true; });
      lay();
    }
  };

  // For each event the numbers of those that it led to.
  const effects = {};
  for (const side of ["e", "n"]) {
    effects[side] = new Map();
    for (const [event, { c = [] }] of Object.entries(details[side])) for (const [cause] of c) {
      if (!effects[side].has(cause)) effects[side].set(cause, []);
      effects[side].get(cause).push(event);
    }
  }

  // What led to an event, the latest first.
  const causesOf = cell => (details[cell.id[0]][cell.id.slice(1)].c || [])
    .map(([event]) => link(cell.id[0], event)).filter(Boolean);

  const text = (tag, content) => Object.assign(document.createElement(tag), { textContent: content });
  // Puts what an event holds into the dock.
  const fill = cell => {
    const side = cell.id[0], detail = details[side][cell.id.slice(1)];
    const fields = document.createElement("dl");
    for (const [label, value] of detail.f) fields.append(text("dt", label), text("dd", value));
    const texts = document.createElement("div");
    for (const [heading, value] of detail.b) {
      const block = text("pre", value);
      block.tabIndex = 0;
      texts.append(text("h3", heading), block);
    }
    one("#dock h2").textContent = detail.t;
    const causes = (detail.c || []).filter(([event]) => link(side, event));
    one("#dock .causes").replaceChildren(...causes.map(([event, why]) => {
      const item = document.createElement("li"), to = text("a", "#" + event + " " + details[side][event].t);
      to.href = "#" + side + event;
      to.dataset.event = "";
      item.append(to, text("span", details.links[why]));
      return item;
    }));
    one("#dock .parts").replaceChildren(fields, texts);
    one("#dock [data-go=cause]").disabled = !causes.length;
    one("#dock [data-go=effect]").disabled = !effect(cell);
    if (one("#dock [data-go=other]")) one("#dock [data-go=other]").disabled = !inOther(cell);
    dock.hidden = false;
    dock.scrollTop = 0;
  };
  const show = cell => {
    if (current) current.removeAttribute("aria-current");
    all(".anc", list).forEach(other => other.classList.remove("anc"));
    current = cell;
    cell.setAttribute("aria-current", "true");
    const behind = [cell], seen = new Set(behind);
    while (behind.length) {
      for (const cause of causesOf(behind.pop()).filter(cause => !seen.has(cause))) {
        seen.add(cause);
        behind.push(cause);
        cause.classList.add("anc");
      }
    }
    dock.classList.remove("preview", "above");
    fill(cell);
  };

  // What the pointer rests on is shown while no event is open, away from the pointer.
  let rest = 0;
  const leave = () => {
    clearTimeout(rest);
    if (dock.classList.contains("preview")) {
      dock.classList.remove("preview", "above");
      dock.hidden = true;
    }
  };
  const preview = (cell, y) => {
    if (!dock.hidden && !dock.classList.contains("preview")) return;
    fill(cell);
    dock.classList.add("preview");
    dock.classList.toggle("above", y > innerHeight / 2);
  };

  // The next event that this one led to: one on the way to the violation, if there is one.
  const effect = cell => {
    const came = trail.at(-1);
    if (came && causesOf(came).includes(cell)) return came;
    const led = (effects[cell.id[0]].get(Number(cell.id.slice(1))) || []).map(other => link(cell.id[0], other)).filter(Boolean);
    return led.find(other => other.closest(".lit")) || led[0];
  };
  // The way from effects to their causes, so that it can be gone back.
  let trail = [];
  const toCause = nth => {
    const cause = current && causesOf(current)[nth];
    if (!cause) return;
    trail.push(current);
    go(cause);
  };
  const toEffect = () => {
    const next = current && effect(current);
    if (next && next === trail.at(-1)) trail.pop();
    go(next);
  };
  const go = cell => {
    if (!cell) return;
    reveal(cell);
    open(cell);
    history.replaceState(null, "", "#" + cell.id);
    cell.scrollIntoView({ block: "center", behavior: "instant" });
  };
  const step = by => {
    const side = current ? current.id[0] : "e";
    const cells = rows.filter(row => !row.hidden).map(row => one(`a[id^=${side}]`, row)).filter(Boolean);
    const at = cells.indexOf(current);
    go(cells[at < 0 ? (by > 0 ? 0 : cells.length - 1) : at + by]);
  };
  // The event that was open keeps the focus, or gets it back, and stays closed.
  let closing = false;
  const close = () => {
    closing = true;
    dock.hidden = true;
    current?.focus();
    closing = false;
  };
  const open = cell => {
    cell.focus({ preventScroll: true });
    // One that has the focus already gets none.
    if (dock.hidden || dock.classList.contains("preview")) show(cell);
  };
  const inOther = cell => one(`a[id^=${cell.id[0] === "e" ? "n" : "e"}]`, cell.closest("li"));
  const moves = {
    cause: () => toCause(0),
    effect: toEffect,
    next: () => step(1),
    previous: () => step(-1),
    violation: () => (trail = []) && go(all(".bad-row .here", list).pop()),
    other: () => current && go(inOther(current)),
    close,
  };
  const keys = { ArrowDown: "next", j: "next", ArrowUp: "previous", k: "previous", ArrowLeft: "cause", c: "cause",
    ArrowRight: "effect", e: "effect", v: "violation", o: "other", Escape: "close" };

  list.addEventListener("pointerover", event => {
    const cell = event.target.closest("a.cell");
    leave();
    if (cell && event.pointerType === "mouse") rest = setTimeout(() => preview(cell, event.clientY), 250);
  });
  list.addEventListener("pointerleave", leave);
  list.addEventListener("focusin", event => !closing && event.target.matches("a.cell") && show(event.target));
  list.addEventListener("click", event => {
    const cell = event.target.closest("a.cell");
    if (!cell) return;
    event.preventDefault();
    history.replaceState(null, "", "#" + cell.id);
    open(cell);
  });
  document.addEventListener("keydown", event => {
    const field = event.target.matches("select,input,pre");
    const nth = current && !dock.hidden && /^[1-9]$/.test(event.key) && (() => toCause(event.key - 1));
    const move = nth ? "" : keys[event.key];
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey || (field && move !== "close")) return;
    if (event.key.startsWith("Arrow") && !current) return;
    event.preventDefault();
    (nth || moves[move])();
  });
  dock.addEventListener("click", event => moves[event.target.dataset.go]?.());
  document.addEventListener("click", event => {
    const jump = event.target.closest("a[data-event]");
    if (!jump) return;
    event.preventDefault();
    history.replaceState(null, "", jump.getAttribute("href"));
    go(one(jump.getAttribute("href")));
  });
  all("input[name=depth],select[data-filter]").forEach(input => input.addEventListener("change", () => {
    opened.clear();
    lay();
  }));
  all("input[name=side]").forEach(input => input.addEventListener("change", () => {
    picture.classList.toggle("show-there", input.value === "n");
    lay();
  }));
  addEventListener("resize", lay);
  addEventListener("hashchange", () => jump());
  const jump = () => {
    const cell = /^#[en]\d+$/.test(location.hash) && one(location.hash);
    if (cell) go(cell);
  };
  all(".script").forEach(part => { part.hidden = false; });
  picture.classList.add("moves");
  lay();
  jump();
})();
