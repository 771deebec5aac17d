// What stands in the address is what is shown.

const overview = byId("overview");
const place = byId("image");
let tables = null;
let drawnRule = null;
// Where the reader was when an image was opened.
let left = null;

function drawTables() {
  const platforms = platformMatrix();
  const rules = DATA.rules.length ? ruleMatrix() : null;
  tables = [rules, platforms].filter(Boolean);
  drawnRule = state.rule;
  byId("matrices").replaceChildren(...(rules ? [rules.section, legend()] : []), ...(platforms ? [platforms.section] : []));
}

function showOverview() {
  if (!tables || drawnRule !== state.rule) drawTables();
  const images = new Set(shownImages());
  for (const table of tables) table.show(images);
  byId("found").textContent = `${images.size} of ${count(IMAGES.length, "image")}`;
  const filtered = Boolean(state.q || state.rule || state.target || state.outcome);
  byId("reset").hidden = !filtered;
  for (const group of document.querySelectorAll("[data-group]")) {
    const findings = DATA.groups[Number(group.dataset.group)].map((number) => FINDINGS[number]);
    group.hidden = !findings.some((finding) => images.has(IMAGES[finding.image]) && (!state.rule || finding.rule === state.rule));
  }
}

function changed(changes, again) {
  state = { ...state, ...changes };
  history.replaceState(null, "", hashFor({}));
  if (again) drawFilter();
  showOverview();
}

function drawFilter() {
  byId("filter").replaceChildren(filterForm(changed));
}

function showImage(image) {
  const shown = shownImages();
  const index = shown.indexOf(image);
  const beside = (step, word) => {
    const other = index < 0 ? undefined : shown[index + step];
    return other ? h("a", { href: hashFor({ image: other.key }), title: other.label }, word) : null;
  };
  const way = h("nav", { "aria-label": "Images", class: "way" },
    h("a", { href: hashFor({}), id: "back" }, "← All images"), beside(-1, "Previous"), beside(1, "Next"));
  const page = imagePage(image, false);
  place.replaceChildren(way, page);
  const wanted = image.findings.filter((finding) => finding.rule === state.finding).sort(worse)[0];
  const target = wanted ? byId(`heading-${wanted.number}`) : page.querySelector("h1");
  const folded = target.closest("details");
  if (folded) folded.open = true;
  if (wanted) target.scrollIntoView();
  else scrollTo(0, 0);
  target.focus({ preventScroll: true });
}

function route() {
  const before = state.image;
  const given = readState();
  const image = BY_KEY.get(given.image);
  state = image ? { ...state, image: given.image, finding: given.finding } : given;
  if (image && !before) left = { y: scrollY, focus: document.activeElement };
  overview.hidden = Boolean(image);
  place.hidden = !image;
  document.title = image ? `${image.label} · golink` : `golink: ${DATA.verdict}`;
  if (image) return showImage(image);
  place.replaceChildren();
  drawFilter();
  showOverview();
  if (state.image) byId("found").textContent = `There is no image ${state.image} in this report.`;
  if (left) {
    scrollTo(0, left.y);
    const focus = left.search ? byId("search") : left.focus;
    if (focus && focus.isConnected) focus.focus({ preventScroll: true });
    left = null;
  }
}

function keys(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const writing = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (event.key === "/" && !writing) {
    event.preventDefault();
    if (overview.hidden) {
      left = { y: 0, focus: null, search: true };
      location.hash = hashFor({});
    } else byId("search").focus();
  } else if (event.key === "Escape" && BY_KEY.has(state.image)) {
    location.hash = hashFor({});
  } else if (event.key === "Escape" && event.target.id === "search") {
    event.target.value = "";
    changed({ q: "" });
    event.target.blur();
  }
}

function theme() {
  const button = byId("theme");
  const root = document.documentElement;
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  // A page opened from a file may have no storage.
  try { dark = (localStorage.getItem("golink-theme") || (dark ? "dark" : "light")) === "dark"; } catch { /* none */ }
  const apply = () => {
    root.dataset.theme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
  };
  button.addEventListener("click", () => {
    dark = !dark;
    try { localStorage.setItem("golink-theme", dark ? "dark" : "light"); } catch { /* none */ }
    apply();
  });
  apply();
}

// On paper: what the filter shows, everything open.
function print() {
  for (const table of tables || []) table.grow(Infinity);
  if (!overview.hidden) byId("print").replaceChildren(...shownImages().map((image) => imagePage(image, true)));
  for (const fold of document.querySelectorAll("main details")) fold.open = true;
}

document.documentElement.classList.add("scripts");
theme();
route();
addEventListener("hashchange", route);
addEventListener("keydown", keys);
addEventListener("beforeprint", print);
addEventListener("afterprint", () => byId("print").replaceChildren());
