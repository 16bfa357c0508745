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
      await navigator.clipboard.writeText(button.dataset.copy);
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

  let going = 0;
  const key = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.target;
    if (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) {
      if (event.key === "Escape") { event.preventDefault(); at.blur(); }  // what was typed stays
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
      case "/": event.preventDefault(); ($("main input[type=search]") || $("input[type=search]")).focus(); break;
      case "g": going = Date.now(); break;
      case "j": move(1); break;
      case "k": move(-1); break;
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
