// The page "Live": rows as the hub sends them, the newest first, 200 at the most.
(() => {
  "use strict";
  const place = document.getElementById("live");
  const body = document.querySelector("main tbody");
  if (!place || !body || !place.dataset.feed) return;
  const MOST = 200;
  const rate = document.getElementById("rate");
  const sum = document.getElementById("sum");
  const pause = document.getElementById("pause");
  let stopped = false, over = false, came = 0, hidden = 0, held = 0, since = performance.now();
  let all = 0, unseen = 0;  // since the page was opened
  place.hidden = false;

  const show = () => {
    pause.setAttribute("aria-pressed", String(stopped));
    pause.textContent = stopped ? "Go on" : "Pause";
  };
  pause.addEventListener("click", () => { stopped = !stopped; held = 0; show(); });
  const scroll = body.closest(".scroll");
  scroll.addEventListener("pointerenter", () => { over = true; });
  scroll.addEventListener("pointerleave", () => { over = false; held = 0; });

  const feed = new EventSource(place.dataset.feed);
  feed.addEventListener("rows", (message) => {
    if (stopped || over || body.contains(document.activeElement)) return;
    const made = document.createElement("template");
    made.innerHTML = message.data;
    body.prepend(made.content);
    for (let over = body.rows.length - MOST; over > 0; over--) body.lastElementChild.remove();
    document.querySelector("main .empty")?.remove();
  });
  feed.addEventListener("seen", (message) => {
    const told = JSON.parse(message.data);
    came += told.came;
    all += told.came;
    const waits = stopped || over || body.contains(document.activeElement);
    const missed = waits ? told.came : told.came - told.shown;
    hidden += missed;
    unseen += missed;
    if (waits) held += told.came;
  });
  feed.addEventListener("trouble", (message) => {
    feed.close();
    rate.textContent = message.data;
    place.classList.add("trouble");
  });
  feed.addEventListener("error", () => { if (feed.readyState !== EventSource.CLOSED) rate.textContent = "The hub is away; trying again"; });
  setInterval(() => {
    const now = performance.now(), seconds = (now - since) / 1000;
    if (place.classList.contains("trouble") || feed.readyState !== EventSource.OPEN) return;
    const shown = (n) => n.toLocaleString("en").replaceAll(",", "\u202f");
    const said = `${shown(Math.round(came / seconds))} events a second` + (hidden ? `, ${shown(Math.round(hidden / seconds))} of them not shown` : "");
    const next = stopped ? `Paused; ${shown(held)} came meanwhile` : said;
    if (rate.textContent !== next) rate.textContent = next;
    if (all) sum.textContent = `${shown(all)} since the page was opened` + (unseen ? `, ${shown(unseen)} not shown` : "");
    came = hidden = 0;
    since = now;
  }, 1000);
  window.addEventListener("pagehide", () => feed.close());
  show();
})();
