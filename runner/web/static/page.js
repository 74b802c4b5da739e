// The page without this does all that it does with it. With it, what changes is fetched anew every few seconds,
// and what changed is said once, politely, for those who listen instead of look.
"use strict";
(() => {
  document.documentElement.classList.add("script");
  const live = document.getElementById("live");
  const announce = document.getElementById("announce");
  const every = Number(live && live.dataset.every) * 1000;
  if (!every) return;

  const summary = (root) => {
    const told = root.querySelector("[data-summary]");
    return told ? told.dataset.summary : "";
  };
  const writing = () => {
    const at = document.activeElement;
    return live.contains(at) && at.matches("input, select, textarea");
  };
  const key = (element) => {
    if (element.id) return "#" + element.id;
    if (element.matches("a[href]")) return "a:" + element.getAttribute("href") + ":" + element.textContent.trim();
    const form = element.closest("form");
    return form ? "f:" + form.getAttribute("action") : "";
  };
  const filled = () => [...live.querySelectorAll("input:not([type=hidden])")].some((one) => one.value !== one.defaultValue);

  const refresh = async () => {
    if (document.hidden || writing() || filled()) return;
    const address = new URL(location.href);
    address.searchParams.delete("said");
    address.searchParams.set("part", "live");
    const answer = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (answer.redirected) { location.assign(answer.url.replace(/[?&]part=live/, "")); return; }
    if (!answer.ok || writing() || filled()) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    const before = summary(live);
    const open = new Set([...live.querySelectorAll("details[open][id]")].map((one) => one.id));
    const at = live.contains(document.activeElement) ? key(document.activeElement) : "";
    live.replaceChildren(...fresh.childNodes);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (at) [...live.querySelectorAll("a[href], button, summary, [id]")].find((one) => key(one) === at)?.focus();
    if (summary(live) && summary(live) !== before) announce.textContent = summary(live);
    live.removeAttribute("data-lost");
    if (live.querySelector("[data-still]")) clearInterval(timer);
  };
  const timer = setInterval(() => refresh().catch(() => live.setAttribute("data-lost", "")), every);
})();
