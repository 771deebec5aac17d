// The report, and what of it is shown; the latter stands in the address, so that it can be sent to others.

const DATA = JSON.parse(byId("data").textContent);
// The worst first.
const MARKS = { error: "!", violated: "✕", undecidable: "?", waived: "~", passed: "✓", "not-applicable": "–" };
const OUTCOMES = Object.keys(MARKS);
const FAILING = new Set(["error", "violated", "undecidable"]);

const FINDINGS = DATA.findings.map(([image, rule, body, tests], number) => ({
  number, image, rule: DATA.rules[rule].name, column: rule, tests: tests.map((test) => DATA.tests[test]),
  evidence: [], cause: [], remedy: [], caution: [], parameters: [], place: "", waiver: "", chains: [], trials: [],
  platforms: [], ...DATA.pool[body],
}));
const worse = (one, other) => OUTCOMES.indexOf(one.outcome) - OUTCOMES.indexOf(other.outcome);
const IMAGES = DATA.images.map((image, number) => ({ ...image, number, findings: [] }));
for (const finding of FINDINGS) IMAGES[finding.image].findings.push(finding);
for (const image of IMAGES) {
  image.failing = image.findings.filter((finding) => FAILING.has(finding.outcome)).length;
  image.errors = image.findings.filter((finding) => finding.outcome === "error").length;
  image.label = [image.name, image.target, image.flags].filter(Boolean).join(" ");
}
// Images without an answer, then those with something to do; otherwise in the report's order.
const ORDERED = [...IMAGES].sort((one, other) => (other.errors > 0) - (one.errors > 0)
  || (other.failing > 0) - (one.failing > 0) || one.number - other.number);
const BY_KEY = new Map(IMAGES.map((image) => [image.key, image]));

const NONE = { image: "", finding: "", q: "", outcome: "", rule: "", target: "" };

function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(Object.keys(NONE).map((name) => [name, given.get(name) || ""]));
}

let state = readState();

// The address of an image is the same whatever the filter; the filter is kept beside it until the reader comes back.
function hashFor(changes) {
  const wanted = { ...state, image: "", finding: "", ...changes };
  const given = new URLSearchParams();
  const names = wanted.image ? ["image", "finding"] : Object.keys(NONE);
  for (const name of names) if (wanted[name]) given.set(name, wanted[name]);
  return `#${given}`;
}

// What the search looks at, made when it is first needed.
function textOf(image) {
  if (image.text === undefined) {
    const links = image.links === undefined ? null : DATA.pool[image.links];
    const said = [image.label, image.path || ""];
    for (const f of image.findings) {
      said.push(f.rule, f.expected || "", f.observed || "", f.text || "", f.place, f.waiver, ...f.evidence, ...f.cause);
      for (const chain of f.chains) for (const step of chain) said.push(...step);
    }
    if (links) for (const [name, , groups] of links.libraries) {
      said.push(name);
      for (const [version, , names] of groups) said.push(version, ...names);
    }
    image.text = said.join("\n").toLowerCase();
  }
  return image.text;
}

function shownImages() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const outcomes = new Set(state.outcome.split(",").filter(Boolean));
  const asked = state.rule || outcomes.size;
  return ORDERED.filter((image) =>
    (!state.target || image.target === state.target) &&
    (!asked || image.findings.some((finding) =>
      (!state.rule || finding.rule === state.rule) && (!outcomes.size || outcomes.has(finding.outcome)))) &&
    words.every((word) => textOf(image).includes(word)));
}
