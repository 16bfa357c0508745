// What the console does besides showing pages: keys, copying, times. Every page works without it.
(() => {
  "use strict";
  const $ = (selector, within = document) => within.querySelector(selector);
  const told = (text) => { $("#told").textContent = text; };

  // Copy buttons stand in the page hidden: without scripts they could do nothing.
  const reveal = (within) => {
    for (const one of within.querySelectorAll("button.copy[hidden], #keys[hidden]")) one.hidden = false;
  };
  const copy = async (button) => {
    try {
      const of = button.dataset.copyOf;  // a link whose target is copied, fetched when it is wanted
      const text = of ? (await fetch($(of).href)).text() : button.dataset.copy;
      await navigator.clipboard.writeText(await text);
      told("Copied");
      button.textContent = "copied";
    } catch {
      told("The browser does not allow copying");
      button.textContent = "not allowed";
    }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  };

  const rows = () => [...document.querySelectorAll("table.rows tbody tr")].filter((row) => $("a[href]", row));
  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    const here = all.findIndex((row) => row.contains(document.activeElement));
    const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(here + by, 0), all.length - 1);
    $("a[href]", all[next]).focus();
  };

  // What the row of the focus can do, else the page.
  const within = (selector) => {
    const row = document.activeElement.closest("tr, details");
    const found = (row && [...row.querySelectorAll(selector)]) || [];
    return found.length ? found : [...document.querySelectorAll(`main ${selector}`)];
  };
  const expand = () => {
    const here = document.activeElement.closest("details");
    const all = here ? [here] : within("details");
    const open = all.some((one) => !one.open);
    for (const one of all) one.open = open;
  };
  // Goes to the button and does not press it: what is delivered again is seen first.
  const retry = () => {
    const chosen = document.activeElement.closest("tr")?.querySelector("input[type=checkbox]");
    if (chosen) chosen.checked = true;
    within(chosen ? "[data-retry=chosen]" : "[data-retry]")[0]?.focus();
  };

  let going = 0, searching = false;
  const key = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    if (at.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && at.type !== "checkbox")) {
      if (event.key === "Escape") { event.preventDefault(); at.blur(); }  // what was typed stays
      // The search of the first page has the focus already; who presses / does not mean to look for it.
      if (event.key === "/" && at.type === "search" && !at.value && !searching) { event.preventDefault(); searching = true; }
      return;
    }
    if ($("dialog[open]")) return;
    if (going && Date.now() - going < 1500) {
      going = 0;
      const entry = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (entry) { event.preventDefault(); location.assign(entry.href); }
      return;
    }
    switch (event.key) {
      case "/": event.preventDefault(); searching = true; ($("main input[type=search]") || $("input[type=search]")).focus(); break;
      case "g": going = Date.now(); break;
      case "j": move(1); break;
      case "k": move(-1); break;
      case "e": expand(); break;
      case "r": retry(); break;
      case "?": $("#sheet").showModal(); break;
    }
  };

  document.addEventListener("keydown", key);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy, #keys");
    if (!button) return;
    if (button.id === "keys") $("#sheet").showModal(); else copy(button);
  });
  document.addEventListener("htmx:after:swap", () => reveal(document));
  reveal(document);
})();
