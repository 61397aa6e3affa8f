// Keeps the page as the server would make it now: on each event of /events the
// same page is fetched again, and what differs is changed in place, so that
// focus, selection and what was typed stay.
"use strict";
(() => {
  const least = 1000; // ms from one fetch to the next
  const live = document.getElementById("live");
  const offline = document.getElementById("offline");
  const build = document.documentElement.dataset.build;
  let seq = document.body.dataset.seq;
  let source = null;
  let timer = 0;
  let fetched = 0;
  let busy = false;
  let again = false;
  let lost = null;

  function same(a, b) {
    return a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
  }

  function attributes(from, to) {
    for (const { name } of [...from.attributes]) {
      // What a person has unfolded stays so.
      if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS")) from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
  }

  // morph makes the children of from like those of to.
  function morph(from, to) {
    let have = from.firstChild;
    for (const want of [...to.childNodes]) {
      // A named part that stands further down comes up; it is not made anew.
      if (have && want.id && !same(have, want)) {
        const later = document.getElementById(want.id);
        if (later && later.parentNode === from && same(later, want)) {
          from.insertBefore(later, have);
          have = later;
        }
      }
      if (!have || !same(have, want)) {
        from.insertBefore(document.importNode(want, true), have);
        continue;
      }
      if (have.nodeType === Node.ELEMENT_NODE) {
        attributes(have, want);
        morph(have, want);
      } else if (have.data !== want.data) {
        have.data = want.data;
      }
      have = have.nextSibling;
    }
    while (have) {
      const next = have.nextSibling;
      have.remove();
      have = next;
    }
  }

  async function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    fetched = Date.now();
    try {
      const answer = await fetch(location.pathname + location.search, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (page.documentElement.dataset.build !== build) {
        location.reload();
        return;
      }
      for (const id of ["nav", "main", "foot"]) {
        morph(document.getElementById(id), page.getElementById(id));
      }
      document.title = page.title;
      online();
    } catch {
      gone();
    } finally {
      busy = false;
      if (again) soon();
    }
  }

  function soon() {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      refresh();
    }, Math.max(0, fetched + least - Date.now()));
  }

  function say(text, state) {
    live.hidden = false;
    if (live.textContent !== text) live.textContent = text;
    live.dataset.state = state;
  }

  function online() {
    lost = null;
    offline.hidden = true;
    say("live", "on");
  }

  function gone() {
    if (!lost) {
      lost = new Date();
      offline.textContent = "No connection to rrwatch since " + lost.toISOString().slice(11, 19) + " UTC. What is shown is old.";
    }
    offline.hidden = false;
    say("lost", "off");
  }

  function listen() {
    if (source) source.close();
    source = new EventSource("/events?after=" + seq);
    source.addEventListener("entry", (e) => {
      seq = e.lastEventId;
      soon();
    });
    source.addEventListener("view", (e) => {
      if (e.lastEventId) seq = e.lastEventId;
      soon();
    });
    source.onerror = () => {
      gone();
      // The browser gives up after an answer that is no stream, such as a
      // proxy's; we do not.
      if (source.readyState === EventSource.CLOSED) setTimeout(resume, 3000);
    };
  }

  // A browser allows few connections to one server: a page that nobody sees
  // gives its own back.
  function resume() {
    if (document.hidden) {
      if (source) source.close();
      source = null;
      return;
    }
    if (!source || source.readyState === EventSource.CLOSED) listen();
  }

  document.addEventListener("visibilitychange", resume);
  addEventListener("pagehide", () => source && source.close());
  addEventListener("pageshow", resume);
  say("connecting", "wait");
  resume();
})();
