// The overview: the filter, image × rule, image × platform.

// With more columns than that a cell has room for its mark alone.
const ROOMY = 6;

// Rows are made when they are first shown, so many at a time: a browser takes its time over a large table.
const AT_ONCE = 100;

// Lines are {head, image, href, cells}, where cells gives a list of {mark, word, tone, href, title} or null.
function matrix(id, heading, corner, columns, lines) {
  const roomy = columns.length <= ROOMY;
  const cell = (entry) => {
    if (entry === null) return h("td");
    const attributes = { href: entry.href, tabindex: "-1", title: entry.title };
    // An error stands for all answers that are not there: the word is worth its room.
    const said = roomy || entry.tone === "error";
    if (!said) attributes["aria-label"] = entry.word;
    return h("td", { class: entry.tone }, h("a", attributes, said ? `${entry.mark} ${entry.word}` : entry.mark));
  };
  const rowOf = (line) => {
    line.row ||= h("tr", null,
      h("th", { scope: "row" }, h("a", { href: line.href, tabindex: "-1" }, ...line.head)), ...line.cells().map(cell));
    return line.row;
  };
  const body = h("tbody");
  let waiting = [];
  const grow = (number) => {
    body.append(...waiting.splice(0, number).map(rowOf));
    more.hidden = !waiting.length;
    more.textContent = `Show ${count(waiting.length, "more image")}`;
    if (!body.querySelector('a[tabindex="0"]')) {
      const first = body.querySelector("a");
      if (first) first.tabIndex = 0;
    }
  };
  const more = h("button", { type: "button", class: "more", onclick: () => grow(Infinity) });
  const heads = columns.map((column) =>
    h("th", { scope: "col", title: column.title }, h("span", { class: "head" }, column.name)));
  const table = h("table", { class: roomy ? "matrix roomy" : "matrix", "aria-labelledby": id },
    h("thead", null, h("tr", null, h("td", { class: "corner" }, corner), ...heads)), body);
  table.addEventListener("keydown", (event) => move(event, body, grow));
  const scroll = h("div", { class: "scroll", role: "region", "aria-labelledby": id, tabindex: "0" }, table, more);
  new IntersectionObserver((seen) => {
    if (seen.some((each) => each.isIntersecting)) grow(AT_ONCE);
  }, { root: scroll, rootMargin: "200px" }).observe(more);
  return {
    section: h("section", null, h("h2", { id }, heading), scroll),
    grow,
    show(images) {
      waiting = lines.filter((line) => images.has(line.image));
      body.replaceChildren();
      grow(AT_ONCE);
    },
  };
}

// One tab stop a matrix; the arrow keys go on from there.
function move(event, body, grow) {
  const cell = event.target.closest("tbody th, tbody td");
  if (!cell || event.ctrlKey || event.altKey || event.metaKey) return;
  const row = cell.parentElement;
  if (row === body.lastElementChild) grow(AT_ONCE);
  const sideways = (from, step) => {
    let next = from;
    do next = next[step]; while (next && !next.querySelector("a"));
    return next;
  };
  // A cell without an answer gives way to the nearest one before it.
  const inRow = (line) => line && (line.cells[cell.cellIndex].querySelector("a") || line.cells[0].querySelector("a"));
  const linked = [...row.cells].filter((each) => each.querySelector("a"));
  const beyond = (step) => body.rows[Math.max(0, Math.min(body.rows.length - 1, row.sectionRowIndex + step))];
  const next = {
    ArrowRight: () => sideways(cell, "nextElementSibling"),
    ArrowLeft: () => sideways(cell, "previousElementSibling"),
    ArrowDown: () => inRow(row.nextElementSibling),
    ArrowUp: () => inRow(row.previousElementSibling),
    Home: () => linked[0],
    End: () => linked[linked.length - 1],
    PageDown: () => inRow(beyond(10)),
    PageUp: () => inRow(beyond(-10)),
  }[event.key];
  if (!next) return;
  event.preventDefault();
  const found = next();
  const link = found && (found.matches("a") ? found : found.querySelector("a"));
  if (!link) return;
  for (const stop of body.querySelectorAll('a[tabindex="0"]')) stop.tabIndex = -1;
  link.tabIndex = 0;
  link.focus();
}

function headOf(image) {
  const parts = [h("b", null, image.name)];
  if (image.target) parts.push(" ", h("span", { class: "target" }, image.target));
  if (image.flags) parts.push(" ", h("span", { class: "flags" }, image.flags));
  return parts;
}

function ruleMatrix() {
  const chosen = state.rule;
  const rules = DATA.rules.filter((rule) => !chosen || rule.name === chosen);
  const lines = ORDERED.map((image) => {
    const cells = () => {
      const found = new Map();
      for (const finding of image.findings) {
        const known = found.get(finding.rule);
        if (!known || worse(finding, known) < 0) found.set(finding.rule, finding);
      }
      return rules.map((rule) => {
        const finding = found.get(rule.name);
        if (!finding) return null;
        return {
          mark: MARKS[finding.outcome], word: finding.outcome, tone: finding.outcome,
          title: `${rule.name}: ${finding.observed || finding.outcome}`,
          href: hashFor({ image: image.key, finding: rule.name }),
        };
      });
    };
    return { image, head: headOf(image), href: hashFor({ image: image.key }), cells };
  });
  const columns = rules.map((rule) => ({ name: rule.name, title: rule.summary }));
  return matrix("rules", "Images and rules", "image", columns, lines);
}

const STARTS = new Map([
  [true, { mark: "✓", word: "starts", tone: "passed" }],
  [false, { mark: "✕", word: "does not start", tone: "violated" }],
  [null, { mark: "?", word: "not known", tone: "undecidable" }],
]);

function platformMatrix() {
  const names = [...new Set(FINDINGS.flatMap((finding) => finding.platforms.map(([name]) => name)))];
  if (!names.length) return null;
  const lines = ORDERED.flatMap((image) => {
    const answers = new Map();
    for (const finding of image.findings)
      for (const [name, starts, reason] of finding.platforms) answers.set(name, { starts, reason, finding });
    if (!answers.size) return [];
    const cells = () => names.map((name) => {
      const answer = answers.get(name);
      if (!answer) return null;
      const href = hashFor({ image: image.key, finding: answer.finding.rule });
      return { ...STARTS.get(answer.starts), title: `${name}: ${answer.reason}`, href };
    });
    return [{ image, head: headOf(image), href: hashFor({ image: image.key }), cells }];
  });
  return matrix("platforms", "Images and platforms", "image", names.map((name) => ({ name })), lines);
}

function legend() {
  return h("p", { class: "legend" }, ...OUTCOMES.filter((outcome) => outcome !== "error" || DATA.rules[0].name === outcome).map((outcome) => h("span", { class: outcome }, mark(outcome), ` ${outcome}`)),
    h("span", null, `an empty cell: not asked${DATA.rules[0].name === "error" ? ", or no answer" : ""}`));
}

function filterForm(changed) {
  const select = (name, label, all, options) => h("label", null, h("span", null, label),
    h("select", { name, onchange: (event) => changed({ [name]: event.target.value }) },
      h("option", { value: "" }, all),
      ...options.map((option) => h("option", { value: option, selected: state[name] === option }, option))));
  const chosen = new Set(state.outcome.split(","));
  const present = OUTCOMES.filter((outcome) => FINDINGS.some((finding) => finding.outcome === outcome));
  const box = (outcome) => h("label", { class: `box ${outcome}` },
    h("input", { type: "checkbox", name: "outcome", value: outcome, checked: chosen.has(outcome), onchange: () => changed({
      outcome: [...form.querySelectorAll('[name="outcome"]:checked')].map((each) => each.value).join(","),
    }) }), mark(outcome), ` ${outcome}`);
  const targets = [...new Set(IMAGES.map((image) => image.target).filter(Boolean))].sort();
  let waiting = 0;
  const form = h("form", { role: "search", "aria-label": "Filter the images", class: "filter", onsubmit: (event) => event.preventDefault() },
    h("label", { class: "search" }, h("span", null, "Search"),
      h("input", { type: "search", id: "search", value: state.q, autocomplete: "off", spellcheck: "false",
        placeholder: "image, library, symbol, package …", "aria-keyshortcuts": "/",
        oninput: (event) => {
          // Not with every letter of a fast typist.
          clearTimeout(waiting);
          waiting = setTimeout(() => changed({ q: event.target.value.trim() }), 80);
        } })),
    select("rule", "Rule", "every rule", DATA.rules.map((rule) => rule.name)),
    targets.length > 1 ? select("target", "Target", "every target", targets) : null,
    present.length > 1 ? h("fieldset", null, h("legend", null, "Outcome"), ...present.map(box)) : null,
    h("p", { class: "found" }, h("output", { id: "found", "aria-live": "polite" }), " ",
      h("button", { type: "button", id: "reset", onclick: () => changed({ q: "", rule: "", target: "", outcome: "" }, true) },
        "Show all")));
  return form;
}
