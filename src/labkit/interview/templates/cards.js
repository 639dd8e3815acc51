"use strict";
const KEY = "lakehouse-labs-interview";
const RULES = JSON.parse(at("main").dataset.rules);
const GRADES = ["again", "hard", "good", "easy"];
// As in labkit.interview.schedule: no steps of minutes, no fuzz.
const scheduler = FSRS.fsrs({ enable_fuzz: false, learning_steps: [], relearning_steps: [] });
const articles = all("article");
const texts = new Map(articles.map((one) => [one, one.textContent.toLowerCase()]));
const filters = ["topic", "level", "section", "standing"].map((name) => at(`#${name}`));
const find = at("#find");

// ---------------------------------------------------------------- state

const isMapping = (value) => value?.constructor === Object;

const sound = (data) =>
  isMapping(data?.cards) &&
  Object.values(data.cards).every(
    (facts) =>
      [facts.due, facts.last_review].every((time) => !Number.isNaN(Date.parse(time))) &&
      Number.isFinite(facts.stability) &&
      Number.isFinite(facts.difficulty) &&
      facts.grades.every((grade) => GRADES.includes(grade)),
  );

/** What this browser keeps: facts about the cards answered, and ticks of answers without a grade. */
const load = () => {
  try {
    const data = JSON.parse(localStorage.getItem(KEY));
    if (sound(data)) return { cards: data.cards, ticks: isMapping(data.ticks) ? data.ticks : {} };
  } catch {
    // No storage, or not ours: begin with nothing; `save` says so if nothing can be kept.
  }
  return { cards: {}, ticks: {} };
};
const state = load();

const say = (text) => {
  at("#note").textContent = text;
  at("#note").hidden = !text;
};

const save = () => {
  try {
    localStorage.setItem(KEY, JSON.stringify({ version: 1, ...state }));
  } catch {
    say("This browser keeps nothing for this page. Export your state before you close it.");
  }
};

const merge = (other) => {
  let taken = 0;
  for (const [id, facts] of Object.entries(other.cards)) {
    const mine = state.cards[id];
    if (mine && Date.parse(mine.last_review) >= Date.parse(facts.last_review)) continue;
    state.cards[id] = facts;
    taken += 1;
  }
  return taken;
};

// ---------------------------------------------------------------- schedule

const memory = (id, now) => {
  const facts = state.cards[id];
  const empty = FSRS.createEmptyCard(now);
  if (!facts) return empty;
  return {
    ...empty,
    due: new Date(facts.due),
    last_review: new Date(facts.last_review),
    stability: facts.stability,
    difficulty: facts.difficulty,
    state: FSRS.State.Review,
    reps: facts.grades.length,
  };
};

const after = (id, grade, now) => scheduler.next(memory(id, now), now, GRADES.indexOf(grade) + 1).card;

const standing = (id) => {
  const facts = state.cards[id];
  if (!facts) return "new";
  return facts.stability >= RULES.known ? "known" : "learning";
};
const isDue = (id) => id in state.cards && Date.parse(state.cards[id].due) <= Date.now();

const inDays = (from, to) => {
  const days = Math.round((to - from) / 86_400_000);
  return days === 1 ? "1 day" : `${days} days`;
};

// ---------------------------------------------------------------- one card

const boxes = (article) => all(".ticks input", article);
const details = (article) => at("details", article);
const said = (article) => boxes(article).flatMap((box, n) => (box.checked ? [n] : []));

const proposed = (article) => {
  const weight = (list) => list.reduce((sum, box) => sum + Number(box.dataset.weight), 0);
  const share = weight(boxes(article).filter((box) => box.checked)) / weight(boxes(article));
  return (RULES.shares.find(([least]) => share >= least) ?? [0, "again"])[1];
};

/** Its standing at the top, its ticks, and what each grade would mean. */
const show = (article) => {
  const [id, facts, now] = [article.id, state.cards[article.id], new Date()];
  const line = at(".state", article);
  const due = isDue(id);
  line.textContent = !facts ? "" : due ? "due" : `${standing(id)} · again in ${inDays(now, Date.parse(facts.due))}`;
  line.className = `state ${due ? "due" : standing(id)}`;
  boxes(article).forEach((box, n) => (box.checked = (state.ticks[id] ?? []).includes(n)));
  if (!details(article).open) return;
  for (const button of all("[data-grade]", article)) {
    at(".when", button).textContent = inDays(now, after(id, button.dataset.grade, now).due);
    button.classList.toggle("proposed", button.dataset.grade === proposed(article));
  }
};

const tick = (article) => {
  state.ticks[article.id] = said(article);
  save();
  show(article);
};

const grade = (article, name) => {
  const id = article.id;
  const now = new Date();
  const card = after(id, name, now);
  state.cards[id] = {
    due: card.due.toISOString(),
    last_review: now.toISOString(),
    stability: card.stability,
    difficulty: card.difficulty,
    state: card.state,
    step: null,
    grades: [...(state.cards[id]?.grades ?? []), name],
    said: said(article),
  };
  delete state.ticks[id];
  save();
  const next = beside(article, 1);
  details(article).open = false;
  show(article);
  count();
  if (next !== article) visit(next);
};

// ---------------------------------------------------------------- all cards

const shown = () => articles.filter((article) => !article.hidden);
let current = null;

const beside = (article, step) => {
  const list = shown();
  const place = list.indexOf(article);
  return list[Math.min(Math.max(place + step, 0), list.length - 1)] ?? article;
};

const mark = (article) => {
  current?.classList.remove("current");
  current = article;
  current.classList.add("current");
};

const visit = (article) => {
  if (!article) return;
  mark(article);
  at("summary", article).focus({ preventScroll: true });
  article.scrollIntoView({ block: "nearest" });
};

const count = () => {
  const list = shown();
  const have = (name) => articles.filter((one) => standing(one.id) === name).length;
  const due = articles.filter((one) => isDue(one.id)).length;
  at("#count").textContent =
    `${list.length} of ${articles.length} cards · ${due} due · ` +
    `${have("new")} new · ${have("learning")} learning · ${have("known")} known`;
};

const filter = () => {
  const words = wordsOf(find.value);
  const [topic, level, section, want] = filters.map((select) => select.value);
  for (const article of articles) {
    const { topics, level: its, section: part } = article.dataset;
    const fits =
      (!topic || topics.split(" ").includes(topic)) &&
      (!level || its === level) &&
      (!section || part === section) &&
      (!want || (want === "due" ? isDue(article.id) : standing(article.id) === want));
    article.hidden = !fits || !hasAll(texts.get(article), words);
  }
  count();
};

/** One that is due, else a new one, else any of those shown. */
const draw = () => {
  const list = shown();
  const due = list.filter((one) => isDue(one.id));
  const fresh = list.filter((one) => standing(one.id) === "new");
  const from = [due, fresh, list].find((cards) => cards.length) ?? [];
  visit(from[Math.floor(Math.random() * from.length)]);
  current?.scrollIntoView({ block: "start" });
};

const refresh = () => {
  articles.forEach(show);
  filter();
};

// ---------------------------------------------------------------- what a person does

for (const article of articles) {
  details(article).addEventListener("toggle", () => show(article));
  article.addEventListener("focusin", () => mark(article));
  for (const box of boxes(article)) box.addEventListener("change", () => tick(article));
  for (const button of all("[data-grade]", article))
    button.addEventListener("click", () => grade(article, button.dataset.grade));
}
find.addEventListener("input", filter);
for (const select of filters) select.addEventListener("change", filter);
at("#draw").addEventListener("click", draw);

at("#export").addEventListener("click", () => {
  const text = JSON.stringify({ version: 1, cards: state.cards }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "interview.json";
  link.click();
  URL.revokeObjectURL(link.href);
});

at("#import").addEventListener("click", () => at("#file").click());
at("#file").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  try {
    const other = JSON.parse(await file.text());
    if (!sound(other)) throw new Error("not ours");
    say(`${merge(other)} of ${Object.keys(other.cards).length} cards were answered later there.`);
    save();
    refresh();
  } catch {
    say(`${file.name} holds no answers to these cards; nothing was changed.`);
  }
});

document.addEventListener("keydown", (event) => {
  if (!isCommand(event)) return;
  const open = current && !current.hidden && details(current).open ? current : null;
  const byLetter = open && GRADES.find((name) => name[0] === event.key);
  const box = open && boxes(open)[Number(event.key) - 1];
  if (event.key === "/") find.focus();
  else if (event.key === "j") visit(current ? beside(current, 1) : shown()[0]);
  else if (event.key === "k") visit(current ? beside(current, -1) : shown()[0]);
  else if (event.key === "r") draw();
  else if (byLetter) grade(open, byLetter);
  else if (box) {
    box.checked = !box.checked;
    tick(open);
  } else return;
  event.preventDefault();
});

// A link may name filters (`?section=delta`), words (`?find=vacuum`) and a card (`#its_id`).
for (const [name, value] of new URLSearchParams(location.search)) {
  const field = [find, ...filters].find((one) => one.id === name);
  if (field) field.value = value;
}
refresh();
const linked = articles.find((article) => article.id === location.hash.slice(1));
if (linked) {
  details(linked).open = true;
  visit(linked);
}
