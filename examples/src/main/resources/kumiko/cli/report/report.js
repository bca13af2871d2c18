"use strict";
// Marks what differs from the chosen model, in the drawings and in the table.
const factsOf = model => {
  const facts = new Map();
  for (const fact of document.querySelectorAll(`figure[data-model="${CSS.escape(model)}"] [data-fact]`)) {
    if (!facts.has(fact.dataset.fact)) facts.set(fact.dataset.fact, new Set());
    facts.get(fact.dataset.fact).add(fact.dataset.value);
  }
  return facts;
};
const choose = model => {
  const reference = factsOf(model);
  for (const fact of document.querySelectorAll("[data-fact]")) {
    const own = fact.closest("figure").dataset.model === model;
    const known = reference.get(fact.dataset.fact);
    fact.classList.toggle("differs", !own && !(known && known.has(fact.dataset.value)));
  }
  for (const cell of document.querySelectorAll("td[data-compare]")) {
    const row = [...cell.parentElement.querySelectorAll("td")];
    const other = row.find(each => each.dataset.model === model);
    cell.classList.toggle("differs", cell !== other && cell.textContent !== other.textContent);
  }
  for (const button of document.querySelectorAll(".choose")) button.setAttribute("aria-pressed", button.dataset.reference === model);
};
for (const button of document.querySelectorAll(".choose")) button.addEventListener("click", () => choose(button.dataset.reference));

// One tip for everything that has one: by pointer, by touch, by keyboard.
const tip = document.getElementById("tip");
const hide = () => tip.classList.remove("shown");
const show = (element, x, y) => {
  tip.textContent = element.dataset.tip;
  tip.classList.add("shown");
  const box = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, x + 14), innerWidth - box.width - 8);
  const below = y + 18 + box.height < innerHeight;
  tip.style.transform = `translate(${left}px, ${below ? y + 18 : Math.max(8, y - box.height - 12)}px)`;
};
const tipped = event => event.target.closest && event.target.closest("[data-tip]");
addEventListener("pointermove", event => { const element = tipped(event); element ? show(element, event.clientX, event.clientY) : hide(); });
addEventListener("pointerdown", event => { const element = tipped(event); element ? show(element, event.clientX, event.clientY) : hide(); });
addEventListener("focusin", event => {
  const element = tipped(event);
  if (!element) return hide();
  const box = element.getBoundingClientRect();
  show(element, box.left, box.bottom - 10);
});
addEventListener("scroll", hide, { passive: true });
addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
