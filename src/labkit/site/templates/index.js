"use strict";
const SHOWN = 12; // cards below the labs
const WORDS = JSON.parse(at("#words").textContent);
const CARDS = WORDS.cards.map(([id, asks, text]) => ({ id, asks, text }));
const articles = all("article");
const [find, level, topic] = ["find", "level", "topic"].map((name) => at(`#${name}`));
const found = at("#found"); // not on a site without cards

const fits = ({ id, dataset }, words) =>
  (!level.value || dataset.level === level.value) &&
  (!topic.value || dataset.topics.split("|").includes(topic.value)) &&
  hasAll(WORDS.labs[id], words);

const link = ({ id, asks }) => {
  const item = document.createElement("li");
  const inside = item.appendChild(document.createElement("a"));
  inside.href = `cards.html#${id}`;
  inside.textContent = asks;
  return item;
};

const filter = () => {
  const words = wordsOf(find.value);
  for (const article of articles) article.hidden = !fits(article, words);
  const labs = articles.filter((article) => !article.hidden).length;
  const cards = find.value.trim() ? CARDS.filter((card) => hasAll(card.text, words)) : [];
  at("#count").textContent =
    `${labs} of ${articles.length} labs` +
    (cards.length ? ` · ${cards.length} ${cards.length === 1 ? "card" : "cards"}` : "");
  if (!found) return;
  found.hidden = !cards.length;
  at("ul", found).replaceChildren(...cards.slice(0, SHOWN).map(link));
  at("#more").href = `cards.html?find=${encodeURIComponent(find.value)}`;
};

const results = () => all("article h2 a, #found a").filter((one) => one.offsetParent);

const step = (by) => {
  const list = results();
  const place = list.indexOf(document.activeElement);
  list[place < 0 ? 0 : Math.min(Math.max(place + by, 0), list.length - 1)]?.focus();
};

find.addEventListener("input", filter);
for (const select of [level, topic]) select.addEventListener("change", filter);
document.addEventListener("keydown", (event) => {
  if (!isCommand(event)) return;
  if (event.key === "/") find.focus();
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else return;
  event.preventDefault();
});
filter(); // a browser that comes back keeps what was typed
